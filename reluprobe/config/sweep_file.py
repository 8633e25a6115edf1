"""Sweep file: TOML and ``--set`` to a checked :class:`SweepConfig`, or every fault at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reluprobe.config import choices, documents, own_network, phases, reference, widths
from reluprobe.config.axes import axis_values
from reluprobe.config.settings import (
    SETTINGS,
    Value,
    cleaned,
    fault_of,
    full_name,
    given_twice,
    spelled_out,
    unknown,
    with_full_names,
)
from reluprobe.config.sweep_config import Axes, SweepConfig
from reluprobe.config.sweep_keys import read_shape
from reluprobe.config.sweep_name import fault_of_name
from reluprobe.errors import InputError, nearest, shown


def read_sweep(path: Path, overrides: Mapping[str, Any] | None = None) -> SweepConfig:
    """Read a sweep file.

    Args:
        path: a TOML file; its stem is the sweep's name where the file gives none.
        overrides: keys of ``[base]`` (or ``seeds``, ``order``, ``order_seed``, ``name``,
            ``reference``, ``save_activations``) and the values to put there.

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
        written = documents.from_toml(text)
    except ValueError as error:
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
    parser = _Parser({"name": name} | dict(written), folder, overrides or {})
    sweep = parser.parse()
    if parser.faults:
        count = "1 fault" if len(parser.faults) == 1 else f"{len(parser.faults)} faults"
        unnamed = "name" not in {**written, **(overrides or {})} and fault_of_name(name)
        hint = 'name = "…" in the file: it need not be the file\'s own' if unnamed else None
        raise InputError(f"{where} has {count}", parser.faults, hint=hint)
    return sweep


#: What ``--set`` changes of a sweep besides ``[base]``.
_SET = ("seeds", "name", "reference", "save_activations", "save_weights", "order", "order_seed")


class _Parser:
    """Collects faults while it takes a sweep's tables apart."""

    def __init__(self, written: dict[str, Any], folder: Path, overrides: Mapping[str, Any]) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.written = written | {k: v for k, v in overrides.items() if k in _SET}
        self.reordered = "order" in overrides and "order_seed" not in overrides
        self.file = read_shape(self.written, self.faults)
        self.base = self.named("[base]", self.file.base)
        self.grid = self.named("[grid]", self.file.grid)
        self.zip = [self.named(f"[[zip]] {n}", t) for n, t in enumerate(self.file.zip, start=1)]
        self.override({full_name(k): v for k, v in overrides.items() if k not in _SET})

    def fault(self, where: str, text: str) -> None:
        self.faults.append(f"{where}: {text}" if where else text)

    def named(self, where: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """A table of settings under their full names."""
        full, faults = with_full_names(table)
        for text in faults:
            self.fault(where, text)
        return full

    def override(self, settings: Mapping[str, Any]) -> None:
        """Put ``--set`` values into ``[base]``, unless the key is an axis already."""
        for key, value in settings.items():
            if any(key in block for block in (self.grid, *self.zip)):
                self.fault("--set", f"{key} is an axis of this sweep; --set changes [base] only")
            else:
                self.base[key] = value

    def parse(self) -> SweepConfig:
        self.own_settings()
        base = self.settings("[base]", self.base | self.phases())
        grid = self.axes("[grid]", self.grid)
        blocks = [self.block(f"[[zip]] {n}", t) for n, t in enumerate(self.zip, start=1)]
        self.overlaps(base, [grid, *blocks])
        return SweepConfig(
            self.file.name,
            base,
            self.seeds(base, [grid, *blocks]),
            grid,
            tuple(blocks),
            self.partial("[[include]]", self.file.include),
            self.partial("[[exclude]]", self.file.exclude),
            self.reference(),
            self.file.save_activations,
            self.file.save_weights,
            self.file.order,
            self.order_seed(),
            self.file.data_sha256,
        )

    def own_settings(self) -> None:
        """The table ``[network]`` as the one setting, or the one axis, that it stands for."""
        if not (table := self.file.network):
            return
        name = "network_settings"
        if any(name in block for block in (self.base, self.grid, *self.zip)):
            self.fault("[network]", f"{name} is set too; use one of the two")
            return
        blocks = (self.base, self.grid, *self.zip, *self.file.include)
        named = [block["network"] for block in blocks if "network" in block]
        networks = [n for value in named for n in (value if isinstance(value, list) else [value])]
        if all(network in choices.NETWORKS for network in networks):
            text = 'has settings of your own network: set network = "package.module:function"'
            self.fault("[network]", text)
            return
        texts, faults = own_network.combinations(table)
        for text in faults:
            self.fault("[network]", text)
        if len(texts) == 1:
            self.base[name] = texts[0]
        elif not faults:
            self.grid[name] = texts

    def phases(self) -> dict[str, Any]:
        """The blocks ``[[phase]]`` as the one setting that they stand for."""
        items = []
        for n, table in enumerate(self.file.phase, start=1):
            text, faults = phases.written(table)
            self.faults += [f"[[phase]] {n}: {fault}" for fault in faults]
            items.append("" if faults else text)
        if items and "phases" in self.base:
            self.fault("[[phase]]", "phases is set in [base] too; use one of the two")
        return {"phases": ",".join(filter(None, items)) or phases.NONE} if items else {}

    def partial(self, where: str, tables: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
        for n, table in enumerate(tables, start=1):
            if not table:
                self.fault(f"{where} {n}", "is empty; name at least one setting")
        named = [self.named(f"{where} {n}", t) for n, t in enumerate(tables, start=1)]
        return tuple(self.settings(f"{where} {n}", t) for n, t in enumerate(named, start=1))

    def settings(self, where: str, table: dict[str, Any]) -> dict[str, Any]:
        faults = {key: fault_of(key, value) for key, value in table.items()}
        valid = {key: value for key, value in table.items() if faults[key] is None}
        for text in (*filter(None, faults.values()), *given_twice(valid)):
            self.fault(where, text)
        table = cleaned(valid)
        if {"width", "depth"} <= table.keys() and (reason := widths.idle_depth(table)):
            self.fault(where, f"depth {reason}")
        return table

    def axes(
        self, where: str, table: dict[str, Any], fold: bool = True
    ) -> dict[str, tuple[Value, ...]]:
        """The axes of a table. In a [[zip]] a value may come twice: beside another each time."""
        axes = {}
        for key, written in table.items():
            if key not in SETTINGS:
                self.fault(where, unknown(key))
                continue
            values, faults = axis_values(SETTINGS[key], written)
            for text in faults:
                self.fault(where, text)
            axes[key] = tuple(dict.fromkeys(values)) if fold else values
        return axes

    def block(self, where: str, table: dict[str, Any]) -> dict[str, tuple[Value, ...]]:
        if not table:
            self.fault(where, "is empty; name at least one axis")
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
                    self.fault("", f"{key} is an axis, and activation {shown(value)} names it too")

    def seeds(self, base: Mapping[str, Any], blocks: Sequence[Axes]) -> tuple[int, ...]:
        elsewhere = "seed" in base or any("seed" in block for block in blocks)
        if elsewhere and self.written.get("seeds") is not None:
            self.fault("seeds", "seed is set elsewhere too; use one of the two")
        if not isinstance(self.file.seeds, list):
            return tuple(range(self.file.seeds or 0))
        values, faults = axis_values(SETTINGS["seed"], self.file.seeds)
        for text in faults:
            self.fault("seeds", text)
        return tuple(dict.fromkeys(int(v) for v in values))

    def order_seed(self) -> int:
        # What --order has put in the place of the file's order needs no mending of the file.
        if "order_seed" in self.written and self.file.order != "random" and not self.reordered:
            self.fault(
                "order_seed", f"has an effect only with order random; it is {self.file.order}"
            )
        return self.file.order_seed

    def reference(self) -> str | None:
        if self.file.reference is None:
            return None
        try:
            located = reference.locate(self.file.reference, self.folder)
            reference.load(located)
        except InputError as error:
            self.faults.extend(error.faults)
            return None
        return located
