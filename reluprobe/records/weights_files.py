"""Where the weights of a run lie, and why there are none."""

from __future__ import annotations

import shlex
from os import PathLike
from pathlib import Path

from reluprobe.errors import InputError, shown
from reluprobe.records import saved_weights
from reluprobe.records.io import present, read
from reluprobe.records.schema import RunRecord


def file_of_weights(
    run: RunRecord | str | PathLike[str],
    folder: str | PathLike[str] | None,
    epoch: int | None,
) -> Path:
    """Where the weights of a run lie; arguments and errors as in ``load_network``."""
    if isinstance(run, RunRecord):
        if folder is None:
            hint = 'folder="results/dying_relu", or the path of the record'
            raise InputError("a record does not say where its weights lie", hint=hint)
        return _beside(run, Path(folder).expanduser(), epoch)
    if not isinstance(run, str | PathLike):
        allowed = "allowed is a record, or the path of one or of a .safetensors file"
        raise InputError("cannot load a network", [f"got {shown(run)}; {allowed}"])
    path = Path(run).expanduser()
    if path.suffix == saved_weights.SUFFIX and epoch is None:
        if not path.is_file():
            raise InputError(f"no such file: {path}")
        return path
    record = present(path)
    if path.suffix != ".json" or not record.is_file():
        what = "no such file" if path.suffix == ".json" else "is no record of a run"
        hint = "results/dying_relu/runs/<id>.json, or the .safetensors beside it"
        raise InputError(f"cannot load a network: {path}: {what}", hint=hint)
    above = record.parents if len(record.parents) > 2 else record.absolute().parents
    return _beside(read(record), above[1], epoch, path)


def _beside(record: RunRecord, folder: Path, epoch: int | None, named: Path | None = None) -> Path:
    """The file beside a record.

    Raises:
        InputError: there is none; it says why.
    """
    config, where = record.ours, named or record.id
    if config is None:
        raise InputError(f"{where}: is of somebody's own network, whose weights are not ours")
    last = record.final.epoch if record.history else None
    at_end = epoch is None or epoch == last
    path = saved_weights.file_of(folder, record.id, None if at_end else epoch)
    if path.is_file():
        return path
    if at_end and not record.ended:
        raise InputError(f"{where}: has {record.status}; only a run that ended keeps its weights")
    at = "" if at_end else f" after epoch {epoch}"
    raise InputError(
        f"{where}: this run saved no weights{at}", hint=saving_hint(folder, every=not at_end)
    )


def saving_hint(folder: Path, every: bool) -> str:
    """The command that runs a folder's runs again, this time with their weights."""
    flag = "--save-weights-every" if every else "--save-weights"
    usual = folder.parent.absolute() == Path("results").absolute()
    out = "" if usual else f" --out {shlex.quote(str(folder.parent))}"
    return f"reluprobe sweep {shlex.quote(str(folder / 'sweep.toml'))}{out} {flag}  (runs it again)"
