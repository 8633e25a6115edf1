"""Lines around a comparison's tables: headline, title, legend, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from reluprobe.analysis import settings
from reluprobe.analysis.baseline import varying
from reluprobe.analysis.bootstrap import FEWEST, Change
from reluprobe.analysis.change_alone import ChangeAlone, changes_alone
from reluprobe.analysis.compare import Comparison, Group
from reluprobe.analysis.contrast import Contrast
from reluprobe.config import labels
from reluprobe.config.labels import SPEAKING
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report import formatting
from reluprobe.report.formatting import points
from reluprobe.report.quality_terms import ALL_TERMS, terms_of_error, terms_of_quality
from reluprobe.report.terminal import meanings
from reluprobe.report.terminal.tables import CALLED, MOST_NAMES
from reluprobe.report.terms import terms_of

#: Lines about seeds that pair with nothing, at most.
MOST_LINES = 12
#: From this many changes on, it is said that some look clear by chance.
MANY = 10


def headline(comparison: Comparison) -> Text:
    """What the changes alone do, over all blocks: how many help, and the first of them in words.

    Never a best among groups: where the baseline does worst everything looks good.
    """
    changes = changes_alone(comparison)
    word = CALLED[comparison.question.definition][0]
    helping = [change for change in changes if change.pooled.helps]
    told = [change for change in changes if change.untold is None]
    if not changes:
        return Text("nothing differs from the baseline in a change alone", style="bold")
    if not told:
        text = f"{changes[0].untold}, which of {labels.count(len(changes), 'change')} helps"
    else:
        leaves = "leaves" if len(helping) < 2 else "leave"
        text = f"of {labels.count(len(changes), 'change')}, {len(helping) or 'none'} alone {leaves}"
        text += f" fewer {word} units and no worse {_quality(changes)}"
        untold = len(changes) - len(told)
        text += f" ({changes_untold(untold)})" if untold else ""
    shown = (helping or [c for c in changes if c.pooled.changes["dead"]])[:1]
    return Text("; ".join([text, *(_in_words(change, word) for change in shown)]), style="bold")


def changes_untold(number: int) -> str:
    """``of 2 it cannot be told``."""
    return f"of {number} it cannot be told"


def _quality(changes: Iterable[ChangeAlone]) -> str:
    return quality_name(change.pooled for change in changes)


def quality_name(rows: Iterable[Contrast]) -> str:
    """``accuracy``, ``R²``, ``accuracy and R²``: by what these rows say how good networks are."""
    names = dict.fromkeys(name for row in rows for name in row.qualities)
    bare = {terms.quality.name: terms.bare for terms in ALL_TERMS}
    return " and ".join(bare.get(name, name) for name in names) or ALL_TERMS[0].bare


def _in_words(change: ChangeAlone, word: str) -> str:
    """``elu: −28.6 points dead (95% interval …), accuracy …; 12 of 12 blocks agree``."""
    row = change.pooled
    dead = row.changes["dead"]
    text = f"{labels.change(change.differs)}: {points(dead and dead.mean)} points {word}"
    text += _range(dead, points, "95% interval ")
    for name, write, one in quality_changes(row):
        text += f", {name} {write(one.mean)}{_range(one, write)}"
    if change.same:
        text += f", over {counted(row)} of the same {listed(change.same)}"
    called = "blocks" if row.over == "blocks" else "seeds"
    return f"{text}; {change.agree} of {change.parts} {called} agree" if change.parts > 1 else text


def quality_changes(row: Contrast) -> Iterator[tuple[str, formatting.Write, Change]]:
    """How good a row's networks are beside the baseline: name, how it is written, the change.

    Of records that have neither accuracy nor R² it is the loss.
    """
    known = [terms for terms in ALL_TERMS if terms.quality.name in row.qualities]
    for terms in known:
        yield terms.bare, terms.write_change, row.qualities[terms.quality.name]
    if not known and (loss := row.changes["loss"]) is not None:
        yield "loss", formatting.loss_change, loss


def _range(change: Change | None, write: formatting.Write, called: str = "") -> str:
    if change is None:
        return ""
    if change.low is not None:
        return f" ({called}{write(change.low)} to {write(change.high)})"
    why = f"too few {change.over}" if change.n < FEWEST else "too many ties"
    return f" ({why} for an interval)" if called else ""


def counted(row: Contrast) -> str:
    """``12 blocks``, ``5 seeds``: what a row's intervals are over."""
    if row.over == "blocks":
        return blocks(len({pair.block for pair in row.pairs}))
    return labels.count(len(row.pairs), "seed")


def blocks(number: int) -> str:
    """``12 blocks``."""
    return labels.count(number, "block")


def listed(names: Sequence[str]) -> str:
    """``lr, init and depth``."""
    words = [labels.name(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def title(group: Group) -> Text:
    """Against what the rows below are held, and where."""
    if not group.rows:
        return Text(f"{labels.settings(group.within)}: one configuration alone", style="italic")
    changed = [block.other for row in group.rows for block in row.blocks]
    varied = [k for k in varying([*group.baselines, *changed]) if k not in group.same]
    every = group.baselines[0].settings
    shown = [k for k in varied if settings.applies(k, every)]
    if len(shown) > MOST_NAMES:
        shown = [k for k in shown if k in SPEAKING or every[k] != settings.default_of(k, every)]
    name = labels.settings({k: every[k] for k in shown}) or "none of what the others are given"
    if not settings.is_foreign(every):
        name += ", the rest at the defaults" * (len(varied) > MOST_NAMES)
    at = f"{labels.settings(group.within)}; " if group.within else ""
    alike = paired_alike(group)
    pairs = "" if alike is None else f"; {alike} a row"
    return Text(f"{at}baseline: {name}{pairs}", style="italic")


def paired_alike(group: Group) -> str | None:
    """What every row's intervals are over, where it is the same: ``10 pairs of runs``."""
    if group.same:
        counts = {f"{counted(row)} of the same {listed(group.same)}" for row in group.rows}
    else:
        counts = {f"{labels.count(len(row.pairs), 'pair')} of runs" for row in group.rows}
    return counts.pop() if len(counts) == 1 else None


def legend(comparison: Comparison, runs: Sequence[RunRecord]) -> list[Text]:
    """What is counted on which sample, what the intervals are, what the words say."""
    definition, on = comparison.question.definition, comparison.question.on
    called = {"train": "training"}.get(on, on)
    means = meanings.rule(definition, runs).replace("probe", called)
    measured = [terms.bare for terms in terms_of_quality(runs)]
    measures, error = " and ".join(measured), terms_of_error(runs).name.removeprefix("test ")
    both = f"{', '.join(measured)} and {error}"
    tested = "" if terms_of(runs).foreign else f"; {both} on the test set"
    lines = [f"{definition}: {means} ({_examples(runs, on)}){tested}"]
    plain = any(not terms.points for terms in terms_of_quality(runs))
    units = "points, change" if plain else "points"
    over = "the seeds of both (pairs)"
    if any(group.same for group in comparison.groups):
        over = (
            "blocks, in each of which both sides have the same settings but for the change, and "
            "the same seeds, which are averaged first (n: blocks; seeds, where there is one block)"
        )
    lines.append(
        f"{units}: mean of (change − baseline) over {over}, and its 95% bootstrap-t interval; "
        "fewer, more: all of it on one side of 0; no worse: "
        f"{measures}'s is not wholly below 0"
    )
    many = sum(len(group.rows) for group in comparison.groups)
    if many >= MANY:
        lines[-1] += f"; of {many} changes without effect, {many / 20:.0f} or so would look clear"
    if any(change.cut for change in _shares(comparison)):
        lines[-1] += (
            "; an interval is cut where it would leave what the two shares can be, in [0, 100]% "
            "and each in its own interval (the baseline's is beside it)"
        )
    return [Text(line, style="dim") for line in lines]


def _shares(comparison: Comparison) -> Iterator[Change]:
    for row in (row for group in comparison.groups for row in group.rows):
        yield from (c for c in (row.changes["dead"], row.changes["accuracy"]) if c is not None)


def _examples(runs: Sequence[RunRecord], on: str) -> str:
    sizes = {s.examples for run in runs for s in run.samples if s.sample == on}
    if on == "probe":
        sizes = {run.probe.examples for run in runs}
    return f"{' or '.join(f'{n:,}' for n in sorted(sizes)) or 'none was looked at'}"


def missing(comparison: Comparison, archives: Sequence[Archive], again: int) -> list[Text]:
    """A line for each thing that the comparison had to do without."""
    lines = [
        f"{a.name}: {len(a.records):,} of its sweep's {len(a.records) + a.missing:,} runs are here"
        for a in archives
        if a.missing
    ]
    if again:
        lines.append(f"{labels.count(again, 'run')} found again in another folder, counted once")
    lines += [
        f"no baseline at {labels.settings(within)}: left out" for within in comparison.without
    ]
    seeds: dict[str, list[str]] = {}
    for group in comparison.groups:
        at = f" ({labels.settings(group.within)})" if group.within else ""
        if group.alone:
            lines.append(f"{_alone(group)}{at}")
        for row in group.rows:
            if what := _unpaired(row):
                seeds.setdefault(what, []).append(labels.change(row.differs) + at)
    lines += [f"{what}: {'; '.join(names)}" for what, names in seeds.items()]
    rest = len(lines) - MOST_LINES
    shown = lines[:MOST_LINES] + ([f"… and {rest} more (--json has all)"] if rest > 0 else [])
    return [Text(line, style="yellow") for line in shown]


def _alone(group: Group) -> str:
    number = labels.count(len(group.alone), "configuration")
    return f"{number} without another that differs in the change alone: left out"


def _unpaired(row: Contrast) -> str:
    block, *others = row.blocks
    if others:
        return _unpaired_blocks(row)
    parts = [f"without the baseline's {_seeds(block.lacking)}"] if block.lacking else []
    parts += [f"with {_seeds(block.extra)} that the baseline lacks"] if block.extra else []
    return ", ".join([*parts, *_unknown(row, len(row.pairs), "pairs")])


def _unpaired_blocks(row: Contrast) -> str:
    """How many runs of a row's blocks pair with nothing."""
    parts = []
    if lacking := sum(len(block.lacking) for block in row.blocks):
        parts.append(f"without {lacking} of the baseline's runs")
    if extra := sum(len(block.extra) for block in row.blocks):
        parts.append(f"with {labels.count(extra, 'run')} that the baseline lacks")
    paired = len({pair.block for pair in row.pairs})
    if paired < len(row.blocks):
        parts.append(f"{paired} of {len(row.blocks)} blocks have a pair that ended")
    return ", ".join([*parts, *(_unknown(row, paired, "blocks") if paired > 1 else [])])


def _unknown(row: Contrast, number: int, called: str) -> Iterator[str]:
    dead = row.changes["dead"]
    if dead is not None and dead.n < number:
        yield f"dead units known in {dead.n} of {number} {called}"


def _seeds(seeds: Sequence[int]) -> str:
    """``seed 3``, ``seeds 0–4, 7``."""
    spans: list[list[int]] = []
    for seed in seeds:
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    listed = ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in spans)
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {listed}"
