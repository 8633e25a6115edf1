"""A sweep: TOML and ``--set`` in, a frozen :class:`SweepConfig` out, or every fault at once."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from reluprobe.config import phases, reference
from reluprobe.config.axes import axis_values
from reluprobe.config.field import Key
from reluprobe.config.settings import SETTINGS, Value, fault_of, given_twice, spelled_out, unknown
from reluprobe.errors import InputError, nearest

Axes = Mapping[str, tuple[Value, ...]]
#: What a sweep file may hold.
KEYS: dict[str, Key] = {
    "name": Key("text", "the file's name", "The folder below results that the records go to."),
    "reference": Key(
        "text",
        "none",
        "A published record that report holds the runs against: a shipped one's name "
        f"({', '.join(reference.SHIPPED)}), or the path of a .json file of its form.",
    ),
    "save_activations": Key(
        "true or false",
        "false",
        "Whether runs keep the outputs of their hidden units on the first 200 images of the probe, "
        "in runs/<id>.npz, for report to draw. It is no setting: a run's id and its record are "
        "the same.",
    ),
    "seeds": Key(
        "integer, or list of integers",
        "the one seed of [base]",
        "Every configuration is run once with each; a count n is 0 to n − 1.",
    ),
    "base": Key("table of settings", "their defaults", "What all runs share."),
    "grid": Key("table of axes", "none", "Every combination of the axes' values is run."),
    "zip": Key(
        "tables of axes",
        "none",
        "Axes that move together, all of one length; further blocks multiply.",
    ),
    "phase": Key("tables", "none", "New data after the first, a block for each phase."),
    "include": Key("tables of settings", "none", "One more configuration: these over [base]."),
    "exclude": Key(
        "tables of settings", "none", "Leaves out every run that matches all of a block's."
    ),
}
#: More runs than this are taken for a slip of the pen.
MOST_SEEDS = 100_000


@dataclass(frozen=True)
class SweepConfig:
    """A sweep as written, checked, with its ranges spelled out.

    Attributes:
        name: the folder that its results go to.
        base: settings shared by all runs; what is not named has its default.
        seeds: every configuration is run once with each.
        grid: axes whose product is taken.
        zip: blocks of axes that move together; the blocks multiply the grid.
        include: further runs, each these settings over ``base``.
        exclude: partial settings; a run that matches all of one of them is left out.
        reference: a published record to hold the runs against: a shipped name, or a file.
        save_activations: whether runs keep their activations beside their records.
    """

    name: str
    base: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    grid: Axes = dataclasses.field(default_factory=dict)
    zip: tuple[Axes, ...] = ()
    include: tuple[Mapping[str, Value], ...] = ()
    exclude: tuple[Mapping[str, Value], ...] = ()
    reference: str | None = None
    save_activations: bool = False

    @property
    def axes(self) -> dict[str, tuple[Value, ...]]:
        """Every axis, zipped ones and seeds too, with its values."""
        found = dict(self.grid)
        for block in self.zip:
            found |= block
        return found | ({"seed": self.seeds} if len(self.seeds) > 1 else {})


def read_sweep(path: Path, overrides: Mapping[str, Any] | None = None) -> SweepConfig:
    """Read a sweep file.

    Args:
        path: a TOML file; its stem is the sweep's name where the file gives none.
        overrides: keys of ``[base]`` (or ``seeds``, ``name``, ``reference``,
            ``save_activations``) and the values to put there.

    Raises:
        InputError: the file is missing, is not TOML, or has faults; all of them are listed.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        near = nearest(path.name, (p.name for p in path.parent.glob("*.toml")))
        raise InputError(f"no such sweep file: {path}{near}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the sweep file {path}: {error}") from None
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    return parse_sweep(
        written, name=path.stem, where=str(path), overrides=overrides, folder=path.parent
    )


def parse_sweep(
    written: Mapping[str, Any],
    *,
    name: str = "sweep",
    where: str = "the sweep",
    overrides: Mapping[str, Any] | None = None,
    folder: Path = Path(),
) -> SweepConfig:
    """Check a sweep given as nested tables. Arguments and errors as :func:`read_sweep`.

    ``folder`` is where the path of a reference starts.
    """
    parser = _Parser(dict(written), folder)
    parser.override(overrides or {})
    sweep = parser.parse(name)
    if sweep is None:
        raise InputError(f"{where} has {_count(parser.faults)}", parser.faults)
    return sweep


def _count(faults: Sequence[str]) -> str:
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"


class _Parser:
    """Collects faults while it takes a sweep's tables apart."""

    def __init__(self, written: dict[str, Any], folder: Path) -> None:
        self.written = written
        self.folder = folder
        self.faults: list[str] = []

    def fault(self, where: str, found: str) -> None:
        self.faults.append(f"{where}: {found}" if where else found)

    def override(self, overrides: Mapping[str, Any]) -> None:
        """Put ``--set`` values into ``[base]``, unless the key is an axis already."""
        base = self.table("base")
        blocks = [self.table("grid"), *self.tables("zip")]
        for key, value in overrides.items():
            if any(key in block for block in blocks):
                self.fault("--set", f"{key} is an axis of this sweep; --set changes [base] only")
            elif key in ("seeds", "name", "reference", "save_activations"):
                self.written[key] = value
            else:
                base = base | {key: value}
        self.written["base"] = base

    def table(self, key: str) -> dict[str, Any]:
        found = self.written.get(key, {})
        if isinstance(found, dict):
            return found
        self.fault(f"[{key}]", f"got {found!r}; allowed is a table of settings")
        self.written[key] = {}
        return {}

    def tables(self, key: str) -> list[dict[str, Any]]:
        found = self.written.get(key, [])
        if isinstance(found, list) and all(isinstance(t, dict) for t in found):
            return found
        self.fault(f"[[{key}]]", f"got {found!r}; write [[{key}]] with double brackets")
        self.written[key] = []
        return []

    def parse(self, name: str) -> SweepConfig | None:
        for key in self.written.keys() - set(KEYS):
            moved = f"; settings go under [base], as {key} = …" if key in SETTINGS else ""
            self.fault("", unknown(key, KEYS).replace("setting", "key") + moved)
        base = self.settings("[base]", self.table("base") | self.phases())
        grid = self.axes("[grid]", self.table("grid"))
        blocks = [self.block(f"[[zip]] {n}", t) for n, t in enumerate(self.tables("zip"), start=1)]
        self.overlaps(base, [grid, *blocks])
        name, seeds = self.name(name), self.seeds(base, [grid, *blocks])
        include, exclude = self.partial("include"), self.partial("exclude")
        further = self.reference(), self.save_activations()
        if self.faults:
            return None
        return SweepConfig(name, base, seeds, grid, tuple(blocks), include, exclude, *further)

    def phases(self) -> dict[str, Any]:
        """The blocks ``[[phase]]`` as the one setting that they stand for."""
        items = []
        for n, table in enumerate(self.tables("phase"), start=1):
            text, faults = phases.written(table)
            for found in faults:
                self.fault(f"[[phase]] {n}", found)
            items.append("" if faults else text)
        if items and "phases" in self.table("base"):
            self.fault("[[phase]]", "phases is set in [base] too; use one of the two")
        return {"phases": ",".join(filter(None, items)) or phases.NONE} if items else {}

    def partial(self, key: str) -> tuple[dict[str, Any], ...]:
        return tuple(
            self.settings(f"[[{key}]] {n}", t, some=True)
            for n, t in enumerate(self.tables(key), start=1)
        )

    def settings(self, where: str, table: dict[str, Any], some: bool = False) -> dict[str, Any]:
        if some and not table:
            self.fault(where, "is empty; name at least one setting")
        kept: dict[str, Any] = {}
        for key, value in table.items():
            found = fault_of(key, value)
            if found:
                self.fault(where, found)
            else:
                kept[key] = value
        for found in given_twice(kept):
            self.fault(where, found)
        return {k: SETTINGS[k].clean(v) for k, v in spelled_out(kept).items()}

    def axes(
        self, where: str, table: dict[str, Any], fold: bool = True
    ) -> dict[str, tuple[Value, ...]]:
        """The axes of a table. In a [[zip]] a value may come twice: beside another each time."""
        found = {}
        for key, written in table.items():
            if key not in SETTINGS:
                self.fault(where, unknown(key))
                continue
            values, faults = axis_values(SETTINGS[key], written)
            for text in faults:
                self.fault(where, text)
            found[key] = tuple(dict.fromkeys(values)) if fold else values
        return found

    def block(self, where: str, table: dict[str, Any]) -> dict[str, tuple[Value, ...]]:
        axes = self.axes(where, table, fold=False)
        lengths = {key: len(values) for key, values in axes.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{k} has {n}" for k, n in lengths.items())
            self.fault(where, f"axes that move together must be equally long: {listed}")
        return axes

    def overlaps(self, base: Mapping[str, Any], blocks: Sequence[Axes]) -> None:
        seen: set[str] = set()
        for block in blocks:
            for key in block:
                if key in seen:
                    self.fault("", f"{key} is an axis twice; name it in one table only")
                elif key in base:
                    self.fault("[base]", f"{key} is an axis too; name it in one table only")
                seen.add(key)
        for block in blocks:
            for value in block.get("activation", ()):
                for key in spelled_out({"activation": value}).keys() & seen - {"activation"}:
                    self.fault("", f"{key} is an axis, and activation {value!r} names it too")

    def seeds(self, base: Mapping[str, Any], blocks: Sequence[Axes]) -> tuple[int, ...]:
        written = self.written.get("seeds")
        if written is None:
            return ()
        if "seed" in base or any("seed" in block for block in blocks):
            self.fault("seeds", "seed is set elsewhere too; use one of the two")
        allowed = f"allowed is a count from 1 to {MOST_SEEDS}, or a list of seeds"
        if isinstance(written, bool) or not isinstance(written, int | list) or not written:
            self.fault("seeds", f"got {written!r}; {allowed}")
            return ()
        if isinstance(written, int):
            if not 1 <= written <= MOST_SEEDS:
                self.fault("seeds", f"got {written!r}; {allowed}")
                return ()
            return tuple(range(written))
        values, faults = axis_values(SETTINGS["seed"], written)
        for text in faults:
            self.fault("seeds", text)
        return tuple(dict.fromkeys(int(v) for v in values))

    def reference(self) -> str | None:
        written = self.written.get("reference")
        if written is None:
            return None
        try:
            located = reference.locate(written, self.folder)
            reference.load(located)
        except InputError as error:
            self.faults.extend(error.faults)
            return None
        return located

    def save_activations(self) -> bool:
        written = self.written.get("save_activations", False)
        if not isinstance(written, bool):
            self.fault("save_activations", f"got {written!r}; allowed is true or false")
        return bool(written)

    def name(self, default: str) -> str:
        name = self.written.get("name", default)
        if not isinstance(name, str) or not name.strip() or name in (".", ".."):
            self.fault("name", f"got {name!r}; allowed is a text that can name a folder")
        elif any(c in name for c in "/\\\0"):
            self.fault("name", f"got {name!r}; a folder's name has no slash")
        return str(name)


def sweep_toml(sweep: SweepConfig) -> str:
    """The sweep as TOML with every base setting and every range resolved.

    Read again, it gives the same runs, whatever the defaults have become by then.
    """
    fixed = {n: s.default for n, s in SETTINGS.items() if n not in sweep.axes}
    if sweep.seeds:
        fixed.pop("seed", None)
    tables: dict[str, Any] = {"name": sweep.name}
    if sweep.reference is not None:
        tables["reference"] = sweep.reference
    if sweep.save_activations:
        tables["save_activations"] = True
    if sweep.seeds:
        tables["seeds"] = list(sweep.seeds)
    tables["base"] = fixed | dict(sweep.base)
    tables["grid"] = {k: list(v) for k, v in sweep.grid.items()}
    tables["zip"] = [{k: list(v) for k, v in block.items()} for block in sweep.zip]
    tables["include"] = [dict(t) for t in sweep.include]
    tables["exclude"] = [dict(t) for t in sweep.exclude]
    return tomli_w.dumps({k: v for k, v in tables.items() if v or k == "base"})
