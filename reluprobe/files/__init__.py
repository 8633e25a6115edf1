"""Files and folders that appear whole or not at all; locks that end with their process."""

from reluprobe.files.atomic import (
    remove_empty,
    replacing,
    replacing_folder,
    sync,
    write_atomically,
)

__all__ = ["remove_empty", "replacing", "replacing_folder", "sync", "write_atomically"]
