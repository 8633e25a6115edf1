"""Phases, new data after the first: the setting ``phases`` as text, ``[[phase]]`` as tables.

One phase is ``what@epochs*repeat``: what is a dataset, a task (``permuted_pixels``,
``shuffled_labels``, ``same``), or both, ``fashion_mnist+shuffled_labels``. Phases are parted by
commas; ``none`` is no further phase.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from reluprobe.config import choices, own_data
from reluprobe.config.field import INT32_MAX, Key, count_of
from reluprobe.errors import nearest, shown

NONE = "none"
FORM = (
    "none, or phases parted by commas, each a dataset, a task "
    f"({', '.join(choices.TASKS)}) or dataset+task, with @epochs and *repeats: permuted_pixels@2*10"
)
#: More phases than this are taken for a slip of the pen.
MOST = 100_000
#: Why a phase's dataset may not be a file.
NO_FILE = (
    "a phase's dataset cannot be a file, whose settings (target, standardize, …) are the run's; "
    f"allowed is a dataset by name, or a task ({', '.join(choices.TASKS)})"
)
#: What a dataset may be called.
DATASET = r"[A-Za-z_][\w/:.-]*"
_ITEM = re.compile(rf"(?P<what>{DATASET})(\+(?P<task>\w+))?(@(?P<epochs>\d+))?(\*(?P<repeat>\d+))?")
_UNNAMED = rf"\s*{re.sub(r'[?]P<[a-z]+>', '', _ITEM.pattern)}\s*"
#: Every text without :func:`fault`, and some with one: no pattern says which names stand where.
PATTERN = rf"{NONE}|{_UNNAMED}(,{_UNNAMED})*"
#: What a ``[[phase]]`` may say.
KEYS: dict[str, Key] = {
    "dataset": Key("text", "the run's own", "A dataset of the same shape as the run's."),
    "task": Key(
        "name",
        '"same"',
        f"What is done to it: one of {', '.join(choices.TASKS)}; each phase draws a permutation of "
        "its own.",
    ),
    "epochs": Key(
        f"integer >= 1 and <= {INT32_MAX}", "as the first phase", "Passes over the training set."
    ),
    "repeat": Key(f"integer >= 1 and <= {MOST}", "1", "How many such phases follow one another."),
}


@dataclass(frozen=True)
class Phase:
    """One stretch of training on one task.

    Attributes:
        dataset: None for the run's own.
        task: what is done to it; each phase draws its own permutation from the run's seed.
        epochs: None for as many as the first phase has.
    """

    dataset: str | None = None
    task: str = "same"
    epochs: int | None = None


@functools.lru_cache(maxsize=16)
def parse(text: str) -> tuple[Phase, ...]:
    """The phases after the first, repeats spelled out, of a text without :func:`fault`."""
    return tuple(phase for phase, repeat in _counted(text) for _ in range(repeat))


@functools.lru_cache(maxsize=1024)
def _counted(text: str) -> tuple[tuple[Phase, int], ...]:
    """The phases as written, each with how often it is repeated."""
    if text == NONE:
        return ()
    every: list[tuple[Phase, int]] = []
    for item in text.split(","):
        match = _ITEM.fullmatch(item.strip())
        assert match is not None
        what, task = match["what"], match["task"]
        dataset = None if what in choices.TASKS else what
        task = what if dataset is None else task or "same"
        epochs = int(match["epochs"]) if match["epochs"] else None
        every.append((Phase(dataset, task, epochs), int(match["repeat"] or 1)))
    return tuple(every)


@dataclass(frozen=True)
class Stretch:
    """One phase of a run in its place.

    Attributes:
        index: 0 for the first.
        phase: what it trains on.
        first, last: its epochs, counted from the run's first.
    """

    index: int
    phase: Phase
    first: int
    last: int


def stretches(text: str, epochs: int) -> list[Stretch]:
    """The phases of a run, the first being the run's own dataset as it is, for ``epochs``."""
    placed = [Stretch(0, Phase(), 1, epochs)]
    for index, phase in enumerate(parse(text), start=1):
        done = placed[-1].last
        placed.append(Stretch(index, phase, done + 1, done + (phase.epochs or epochs)))
    return placed


def normal(text: str) -> str:
    """The same phases with repeats counted: ``same,same`` is ``same*2``."""
    alike = itertools.groupby(_counted(text), key=lambda counted: counted[0])
    runs = [(phase, sum(n for _, n in again)) for phase, again in alike]
    return ",".join(_item(phase) + (f"*{n}" if n > 1 else "") for phase, n in runs) or NONE


def _item(phase: Phase) -> str:
    task = "" if phase.dataset and phase.task == "same" else phase.task
    what = "+".join(part for part in (phase.dataset, task) if part)
    return what + (f"@{phase.epochs}" if phase.epochs else "")


def total_epochs(text: str, first: int) -> int:
    """Epochs of all phases, the first having ``first``."""
    return first + sum((phase.epochs or first) * repeat for phase, repeat in _counted(text))


def fault(text: str) -> str | None:
    """Why this text names no phases; None where it does."""
    if text == NONE:
        return None
    total = 0
    for item in text.split(","):
        match = _ITEM.fullmatch(item.strip())
        if own_data.is_path(match["what"] if match else item.strip()):
            return f"{shown(item.strip())}: {NO_FILE}"
        if match is None:
            return f"cannot read {shown(item.strip())}; allowed is {FORM}"
        what, task, got = match["what"], match["task"], shown(item.strip())
        if what == NONE:
            return f"{got}: {NONE} stands alone"
        # What is all but a task's name is no dataset's.
        if what not in choices.TASKS and (close := get_close_matches(what, choices.TASKS, 1, 0.8)):
            return f"{got}: did you mean {close[0]!r}?"
        if task is not None and (task not in choices.TASKS or what in choices.TASKS):
            close = nearest(task, choices.TASKS)
            tasks = ", ".join(choices.TASKS)
            return f"{got}: allowed after a dataset's + is {tasks}{close}"
        epochs, repeat = count_of(match["epochs"] or "1"), count_of(match["repeat"] or "1")
        if epochs < 1:
            return f"{got}: a phase has at least one epoch"
        if epochs > INT32_MAX:
            return f"{got}: a phase has at most {INT32_MAX:,} epochs"
        if repeat < 1:
            return f"{got}: a phase is run at least once"
        if repeat > INT32_MAX:
            return f"{got}: allowed are at most {MOST:,} phases"
        total += repeat
    return f"{total:,} phases; allowed are at most {MOST:,}" if total > MOST else None


def written(table: Mapping[str, Any]) -> tuple[str, list[str]]:
    """A ``[[phase]]`` table as text, and what is wrong with it."""
    faults = [
        f"unknown key {shown(key)}{nearest(key, KEYS)}; allowed are {', '.join(KEYS)}"
        for key in table
        if key not in KEYS
    ]
    for key, most in (("epochs", INT32_MAX), ("repeat", MOST)):
        got = table.get(key, 1)
        if isinstance(got, bool) or not isinstance(got, int) or not 1 <= got <= most:
            faults.append(f"{key} = {shown(got)}: allowed is an {KEYS[key].kind}")
    task, dataset = table.get("task"), table.get("dataset")
    if task is not None and task not in choices.TASKS:
        close = nearest(str(task), choices.TASKS)
        faults.append(f"task = {shown(task)}: allowed is one of {', '.join(choices.TASKS)}{close}")
    named = isinstance(dataset, str) and re.fullmatch(DATASET, dataset)
    if own_data.is_path(dataset):
        faults.append(f"dataset = {shown(dataset)}: {NO_FILE}")
    elif dataset is not None and (not named or dataset in (NONE, *choices.TASKS)):
        faults.append(f"dataset = {shown(dataset)}: allowed is a dataset's name")
    if faults:
        return "", faults
    parts = [part for part in (dataset, task) if part]
    text = "+".join(parts) or "same"
    text += f"@{table['epochs']}" if "epochs" in table else ""
    text += f"*{table['repeat']}" if table.get("repeat", 1) > 1 else ""
    text_fault = fault(text)
    return text, [text_fault] if text_fault else []
