"""Names of datasets: which there are, and the nearest to one that there is not."""

from __future__ import annotations

import re

from reluprobe.config.own_data import RULE
from reluprobe.data.own.source import DatasetKey, OwnData
from reluprobe.errors import InputError, nearest

BUILT_IN: tuple[str, ...] = ("mnist", "blobs", "abs")

_EMNIST_CONFIGS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")

TFDS_WITHOUT_TENSORFLOW: tuple[str, ...] = (
    "fashion_mnist",
    "kmnist",
    *(f"emnist/{config}" for config in _EMNIST_CONFIGS),
)

# A name becomes a folder's, so nothing else may reach the cache.
_SHAPE = re.compile(r"[A-Za-z0-9]\w*(/[A-Za-z0-9][\w.\-]*)?", re.ASCII)


def check_name(name: DatasetKey) -> None:
    """Refuse a name that no dataset has; downloads nothing and needs no network.

    Returns at once for the names in ``BUILT_IN`` and ``TFDS_WITHOUT_TENSORFLOW``; any other costs
    the import of TensorFlow Datasets, about a second.

    Raises:
        InputError: no such dataset or configuration; names the nearest.
        DatasetError: TensorFlow Datasets cannot be imported.
    """
    if isinstance(name, OwnData) or name in BUILT_IN or name in TFDS_WITHOUT_TENSORFLOW:
        return
    check_shape(name)
    base, _, config = name.partition("/")
    registered = _registered()
    if base not in registered:
        raise _unknown(name, registered)
    _check_config(base, config, _configs(base))


def check_shape(name: str) -> None:
    """Refuse what cannot be a dataset's name, whatever TensorFlow Datasets holds.

    Raises:
        InputError: it is not ``NAME`` or ``NAME/CONFIG``.
    """
    if not _SHAPE.fullmatch(name):
        raise _unknown(name, ())


def _unknown(name: str, registered: tuple[str, ...]) -> InputError:
    close = nearest(name.lower(), (*BUILT_IN, *TFDS_WITHOUT_TENSORFLOW, *registered))
    return InputError(
        f"dataset: got {name!r}, which is neither built in ({', '.join(BUILT_IN)}) "
        f"nor a NAME or NAME/CONFIG of TensorFlow Datasets{close}",
        hint=f"of a file or folder of your own: {RULE}",
    )


def _check_config(base: str, config: str, configs: tuple[str, ...]) -> None:
    if config in configs or not (config or len(configs) > 1):
        return
    shown = ", ".join(configs[:12]) + (", ..." if len(configs) > 12 else "")
    if not config:
        # TFDS would take the first; a result has to say which data it is of.
        raise InputError(f"dataset: got {base!r}; allowed: {base}/CONFIG, CONFIG one of {shown}")
    allowed = f"one of {shown}" if configs else "none"
    raise InputError(
        f"dataset: got {base}/{config}; allowed configuration of {base}: {allowed}"
        f"{nearest(config.lower(), configs)}"
    )


def _registered() -> tuple[str, ...]:
    from reluprobe.data.tfds_import import import_tfds

    # Community datasets would be looked up on the network, and through TensorFlow.
    return tuple(import_tfds().list_builders(with_community_datasets=False))


def _configs(base: str) -> tuple[str, ...]:
    from reluprobe.data.tfds_import import import_tfds, lacks_package, quiet

    try:
        with quiet():
            return tuple(import_tfds().builder_cls(base).builder_configs)
    except ImportError as error:
        raise lacks_package(base, error) from error
