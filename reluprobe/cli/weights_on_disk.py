"""Weights on disk: what they will take there before anything is trained, and where they are after.

Told and checked first: a sweep that fills a disk fails where it hurts most.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from reluprobe import data
from reluprobe.config import labels
from reluprobe.config.choices import SaveWeights
from reluprobe.errors import ReluprobeError
from reluprobe.plan.grouping import program_settings
from reluprobe.plan.runs import Run
from reluprobe.records import saved_weights
from reluprobe.records.folder import RUNS
from reluprobe.report.formatting import file_size


@dataclass(frozen=True)
class Cost:
    """What files of weights take, about.

    Attributes:
        files: how many there will be.
        bytes: of all of them; None where the data are not loaded that it hangs on.
    """

    files: int
    bytes: int | None

    @property
    def text(self) -> str:
        """``36 files of weights, about 1.9 MB each, 67 MB in all``."""
        text = f"{labels.count(self.files, 'file')} of weights"
        if self.bytes is None:
            return f"{text}, whose size hangs on data that are not loaded yet"
        if self.files == 1:
            return f"{text}, about {file_size(self.bytes)}"
        each, together = file_size(self.bytes / self.files), file_size(self.bytes)
        return f"{text}, about {each} each, {together} in all"


def cost(
    runs: Sequence[Run], wanted: SaveWeights | None, manual_dir: Path | None, load: bool = True
) -> Cost | None:
    """What these runs' weights will take; None where there will be none.

    Args:
        runs: those that will be run.
        wanted: when their weights are saved.
        manual_dir: where dataset files lie that are not downloaded.
        load: whether data may be looked for that reluprobe does not bring.

    Raises:
        InputError, DatasetError: data that cannot be had.
    """
    if wanted is None or not runs:
        return None
    files = sum(len(saved_weights.wanted_of(run, wanted)) for run in runs)
    if not load and not all(run.config.dataset in data.BUILT_IN for run in runs):
        return Cost(files, None)
    from reluprobe.engine.process import set_up_process
    from reluprobe.engine.weight_names import file_bytes

    set_up_process()
    dataset_of = cache(partial(data.load, manual_dir=manual_dir))
    sizes: dict[Hashable, int] = {}
    total = 0
    for run in runs:
        key = data.key_of(run.config), program_settings(run.config)
        if key not in sizes:
            dataset = dataset_of(data.key_of(run.config))
            outputs = dataset.classes or 1
            sizes[key] = file_bytes(run.config, dataset.shape, outputs)
        total += len(saved_weights.wanted_of(run, wanted)) * sizes[key]
    return Cost(files, total)


def check_room(cost: Cost, folder: Path) -> None:
    """Whether they fit on the folder's disk.

    Raises:
        ReluprobeError: they do not.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if cost.bytes is not None and cost.bytes > free:
        raise ReluprobeError(
            f"no room for {cost.text}: {folder} has {file_size(free)} free",
            hint='save_weights = "end" where it is "every", fewer runs, or another --out',
        )


def after(folder: Path, run_ids: Collection[str], ended: bool) -> list[str]:
    """Where these runs' weights are, what they take, and how to be rid of them.

    Args:
        folder: the sweep's.
        run_ids: whose.
        ended: whether nothing else is at work in the folder, whose files would go too.
    """
    files = saved_weights.files_of(folder, run_ids)
    if not files:
        return []
    size = file_size(sum(file.stat().st_size for file in files))
    where = folder / RUNS / f"*{saved_weights.SUFFIX}" if len(files) > 1 else files[0]
    line = f"weights: {labels.count(len(files), 'file')}, {size}: {where}"
    if not ended:
        return [line]
    place = shlex.quote(str(folder / RUNS)) + f"/*{saved_weights.SUFFIX}"
    target = place if len(files) > 1 else shlex.quote(str(files[0]))
    return [line, f"no report needs them; to delete them: rm {target}"]
