"""The table of configurations for a paper: settings, shares by any definition, quality, losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.estimates import Fold, share
from reluprobe.config import labels, phases
from reluprobe.config.choices import DEFINITIONS
from reluprobe.errors import InputError
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.export.markup import Column, PaperTable, picked
from reluprobe.report.export.paper_numbers import column, notation, of_estimate
from reluprobe.report.quality_terms import OF_REGRESSION, RMSE, terms_of_quality
from reluprobe.report.terminal import meanings, tables
from reluprobe.report.terms import probe_examples, terms_of

#: The column of all settings that set a configuration apart, where they are many.
CHANGE = "change"
#: Of settings that a heading has another name for than ``labels.name``.
_TITLES = {"learning_rate": "learning rate"}


def table(
    sweep: Archive,
    rows: Sequence[Summary],
    definition: str = "dead",
    names: Sequence[str] | None = None,
) -> PaperTable:
    """One row a configuration, with a mean and its interval in each column.

    Args:
        sweep: what they are of.
        rows: its configurations, as ``aggregate.summarize`` has them.
        definition: what is counted where no other is named.
        names: columns: settings, definitions, ``accuracy``, ``r2``, ``rmse``, ``loss``,
            ``train_loss``, layers by their names, ``layers`` for all of them, and ``runs``; if
            None, the settings that vary, the definition, accuracy (of regressions R² and RMSE),
            losses, and where they differ runs.

    Raises:
        InputError: a name is none of these, or no column is left that tells two rows apart.
    """
    settings, measures = _settings(rows), _measures(rows, definition)
    layers = {
        name: _shares(f"{name} (%)", rows, lambda c, name=name: c.layers.get(name))
        for name in _layers(rows)
    }
    if names is None:
        chosen = _usual(rows, settings, measures, definition)
    else:
        every = settings | measures | layers
        wanted = [n for name in names for n in ([*layers] if name == "layers" else [name])]
        chosen = picked(every, wanted)
        _check_apart(rows, [name for name in chosen if name in settings])
    caption = _caption(sweep, rows, [n for n in chosen if n in DEFINITIONS] or [definition])
    return PaperTable(sweep.name, caption, chosen)


def _usual(
    rows: Sequence[Summary],
    settings: Mapping[str, Column],
    measures: Mapping[str, Column],
    definition: str,
) -> dict[str, Column]:
    keys = [*(rows[0].settings if rows else ())]
    names = [CHANGE] if len(keys) > tables.MOST_NAMES else keys
    qualities = terms_of_quality(run for c in rows for run in c.members)
    beside = [terms.quality.name for terms in qualities]
    names += [definition, *beside, *["rmse"] * ("r2" in beside), "loss", "train_loss"]
    # What the owner of foreign runs never gave is no column of theirs.
    measured = {"accuracy": "accuracy", "loss": "loss", "train_loss": "train_loss"}
    foreign = terms_of(rows[0].members if rows else ()).foreign
    gone = [n for n in measured if foreign and not any(getattr(c, n) for c in rows)]
    names += ["runs"] * (len({tables.runs_of(c) for c in rows}) > 1 or any(c.mixes for c in rows))
    every = {**settings, **measures}
    return {name: every[name] for name in names if name not in gone}


def _settings(rows: Sequence[Summary]) -> dict[str, Column]:
    """A column a setting; and one of all of them, named where they are not as most have them."""
    keys = [*(rows[0].settings if rows else ())]
    write = {key: notation(c.settings[key] for c in rows) for key in keys}

    def cells(key: str) -> Column:
        values = [write[key](c.settings[key]) for c in rows]
        return Column(_title(key), [labels.setting(value) for value in values], numeric=False)

    def named(apart: Mapping[str, Setting]) -> str:
        return labels.settings({k: write[k](v) for k, v in apart.items()}) or tables.UNCHANGED

    columns = {key: cells(key) for key in keys}
    if len(keys) > 1:
        columns[CHANGE] = Column(CHANGE, [*map(named, tables.set_apart(rows))], numeric=False)
    return columns


def _title(setting: str) -> str:
    return _TITLES.get(setting, labels.name(setting))


def _measures(rows: Sequence[Summary], definition: str) -> dict[str, Column]:
    terms = terms_of(rows[0].members if rows else ())
    columns = {
        name: _shares(f"{tables.CALLED[name][0]} (%)", rows, _mean(name, definition))
        for name in DEFINITIONS
    }
    columns["accuracy"] = _shares(f"{terms.accuracy} (%)", rows, lambda c: c.accuracy)
    numbers = {"r2": OF_REGRESSION.name, "rmse": RMSE, "loss": terms.loss}
    for name, title in {**numbers, "train_loss": "training loss"}.items():
        values = [of_estimate(getattr(c, name)) for c in rows]
        columns[name] = Column(title, column(values))
    columns["runs"] = Column("runs", [tables.runs_of(c) for c in rows])
    return columns


def _mean(name: str, definition: str) -> Callable[[Summary], Estimate | None]:
    """The share by a definition: of that which the rows are made for it is there already."""
    if name == definition:
        return lambda c: c.mean

    def folded(c: Summary) -> Estimate | None:
        average = Fold(run for run in c.members if run.ended)
        return average(lambda run: share(run.final.layers, name))

    return folded


def _layers(rows: Sequence[Summary]) -> list[str]:
    return [*dict.fromkeys(name for c in rows for name in c.layers)]


def _shares(
    title: str, rows: Sequence[Summary], measure: Callable[[Summary], Estimate | None]
) -> Column:
    return Column(title, column([of_estimate(measure(c)) for c in rows], percent=True))


def _check_apart(rows: Sequence[Summary], names: Sequence[str]) -> None:
    """Refuse columns that leave two rows alike: nobody could tell what they are of."""
    if CHANGE in names:
        return
    shown = Counter(tuple(c.settings[name] for name in names) for c in rows)
    if max(shown.values(), default=1) > 1:
        keys = [key for key in rows[0].settings if key not in names]
        among = [k for k in keys if len({c.settings[k] for c in rows}) > 1]
        said = f"rows differ in {', '.join(among)}: name them, too, or group by others"
        raise InputError("cannot read the columns", [said])


def _caption(sweep: Archive, rows: Sequence[Summary], definitions: Sequence[str]) -> str:
    """What is counted, on what, over how many seeds; not where or how long it was trained."""
    means = "; ".join(
        f"{tables.CALLED[name][0]}: {meanings.rule(name, sweep.records)}" for name in definitions
    )
    parts = [means, conditions(sweep.records), *over_seeds(rows)]
    return f"{'; '.join(part for part in parts if part)}."


def conditions(records: Sequence[RunRecord]) -> str:
    """``mnist, 12 epochs, probed on 1,000 training examples``."""
    if not records:
        return "no readable run"
    probes = " or ".join(dict.fromkeys(map(probe_examples, records)))
    configs = [run.ours for run in records if run.ours is not None]
    if not configs:
        names = sorted({run.foreign.name for run in records if run.foreign is not None})
        return f"{', '.join(names)}, probed on {probes}"
    epochs = sorted({phases.total_epochs(config.phases, config.epochs) for config in configs})
    spans = labels.count(epochs[-1], "epoch")
    if len(epochs) > 1:
        spans = f"{epochs[0]} to {spans}"
    sets = ", ".join(sorted({config.dataset for config in configs}))
    return f"{sets}, {spans}, probed on {probes}"


def over_seeds(rows: Sequence[Summary]) -> list[str]:
    """``±: half of the 95% t interval over 5 seeds``, and what else stands beside means."""
    means = (e for c in rows for e in (c.mean, c.accuracy, c.r2, c.rmse, c.loss, c.train_loss))
    every = [e for e in means if e is not None]
    said = []
    if single := [e.n for e in every if e.half_width is not None]:
        said.append(f"±: half of the 95% t interval over {_seeds(single)}")
        if any(any(e.cut) for e in every):
            said.append("[ ]: its ends, in a column where one is cut at what can be")
    elif any(not e.mixed for e in every):
        said.append("1 seed, no interval")
    if any(e.mixed for e in every):
        said.append(f"( to ): {formatting.min_max(every)}, no interval")
    return said


def _seeds(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least} to {most} seeds" if least < most else f"{most} seeds"
