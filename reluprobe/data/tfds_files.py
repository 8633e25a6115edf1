"""Files that a TFDS dataset is made from: present, damaged, or within reach of a download.

TFDS itself retries for more than three minutes before it says that there is no network, so this
is asked first.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reluprobe.errors import DatasetError, InputError

_SECONDS = 4.0
_HOSTS = 8  # some datasets have files on hundreds; a few tell whether there is a network


@dataclass(frozen=True)
class Source:
    """One file as TFDS registers it; without a ``filename`` it cannot be given by hand."""

    url: str
    sha256: str
    filename: str | None


def registered(builder: Any) -> list[Source]:
    """Every file that TFDS has registered for ``builder``; none for some old datasets."""
    infos = (builder.url_infos or {}).items()
    return [Source(url, info.checksum, info.filename or None) for url, info in infos]


def check(builder: Any, name: str, manual_dir: Path | None, downloads: Path) -> None:
    """Return if every file of ``builder`` is here or can probably be downloaded.

    Args:
        builder: a TFDS builder.
        name: what the user called the dataset.
        manual_dir: a folder with files that the user has already; None where there is none.
        downloads: where TFDS keeps what it downloads.

    Raises:
        InputError: ``manual_dir`` is not a folder.
        DatasetError: a file there has the wrong contents, or one is missing and no host answers.
    """
    if manual_dir is not None and not manual_dir.is_dir():
        raise InputError(f"manual-dir: got {str(manual_dir)!r}, which is not a folder")
    files = registered(builder)
    given = [f for f in files if manual_dir and f.filename and (manual_dir / f.filename).exists()]
    for file in given:
        _check_given(file, name, manual_dir / str(file.filename))  # pyright: ignore
    missing = [f for f in files if f not in given and not _downloaded(f, builder.name, downloads)]
    if missing and not answers([f.url for f in missing]):
        raise out_of_reach(name, missing, manual_dir)


def out_of_reach(name: str, missing: Sequence[Source], manual_dir: Path | None) -> DatasetError:
    """The error for files that are neither here nor to be had: it names both ways out."""
    hosts = ", ".join(sorted({urlsplit(f.url).netloc for f in missing})[:3])
    message = f"{name} is not in the cache and cannot be downloaded: no answer from {hosts}"
    if manual_dir is not None:
        names = ", ".join(f.filename or f.url for f in missing)
        message += f"; {manual_dir} lacks {names}"
    return DatasetError(message, hint=ways_out(missing))


def failed(builder: Any, name: str, error: Exception) -> DatasetError:
    """The error for a dataset that TFDS began to prepare and gave up on."""
    import requests
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.util import DownloadError

    of_download = (requests.RequestException, NonMatchingChecksumError, DownloadError)
    hint = ways_out(registered(builder)) if isinstance(error, of_download) else None
    return DatasetError(f"{name} could not be prepared: {type(error).__name__}: {error}", hint=hint)


def ways_out(files: Sequence[Source]) -> str:
    """What to do where a download failed: the network once, or the files by hand."""
    listed = [f"  {file.url}" for file in files[:12]]
    if len(files) > 12:
        listed.append(f"  ... and {len(files) - 12} more")
    by_hand = "or download these files into a folder and pass --manual-dir DIR:"
    return "\n".join(["connect to the network once,", by_hand, *listed])


def answers(urls: Sequence[str]) -> bool:
    """Whether a host of ``urls`` answers within seconds; asks each host once, all at a time."""
    hosts = {urlsplit(url).netloc: url for url in reversed(urls) if url.startswith("http")}
    asked = list(hosts.values())[:_HOSTS]
    if not asked:
        return True  # nothing that a HEAD request can ask about: leave it to TFDS
    heard: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for url in asked:
        # Daemons, because a name server that does not answer outlives requests' own time limit.
        threading.Thread(target=lambda u=url: heard.put(head(u)), daemon=True).start()
    try:
        return any(heard.get(timeout=2 * _SECONDS) for _ in asked)
    except queue.Empty:
        return False


def head(url: str) -> bool:
    """Whether ``url``'s host answers a HEAD request, through the proxies in the environment."""
    import requests

    try:
        # A refusal is an answer: some hosts forbid HEAD. TFDS retries a 5xx for minutes.
        return requests.head(url, timeout=_SECONDS).status_code < 500
    except requests.RequestException:
        return False


def _check_given(file: Source, name: str, path: Path) -> None:
    with open(path, "rb") as opened:
        got = hashlib.file_digest(opened, "sha256").hexdigest()
    if got != file.sha256:
        raise DatasetError(
            f"{path} is not {name}'s {file.filename}: its sha256 is {got}, not {file.sha256}",
            hint=f"download it again from {file.url}",
        )


def _downloaded(file: Source, builder_name: str, downloads: Path) -> bool:
    from etils import epath
    from tensorflow_datasets.core.download import resource

    path = downloads / builder_name / resource.get_dl_fname(file.url, file.sha256)
    return resource.is_locally_cached(epath.Path(path))
