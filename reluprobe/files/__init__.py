"""Files and folders that appear whole or not at all; locks that end with their process."""

from reluprobe.files.atomic import (
    check_writable,
    remove_empty,
    replacing,
    replacing_folder,
    sync,
    write_atomically,
)

__all__ = [
    "check_writable",
    "remove_empty",
    "replacing",
    "replacing_folder",
    "sync",
    "write_atomically",
]
