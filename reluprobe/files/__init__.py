"""Files and folders that appear whole or not at all; locks that end with their process."""

from reluprobe.files.atomic import replacing, replacing_folder, sync, write_atomically

__all__ = ["replacing", "replacing_folder", "sync", "write_atomically"]
