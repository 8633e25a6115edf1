"""A look into somebody's network: a headline, one row per layer, what was not counted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reluprobe.config import labels
from reluprobe.config.choices import DEFINITIONS
from reluprobe.foreign.result import Layer, Look
from reluprobe.records.network import Coverage, Place
from reluprobe.report import formatting
from reluprobe.report.terminal import named_layers
from reluprobe.report.terminal.layout import Fitted, fitted, plain_table
from reluprobe.report.terminal.tables import CALLED, heat

#: Layers in a table that is not asked to show all: with headline and coverage it fills a screen.
#: Of more, so many, those with the most dead.
MOST_LAYERS, FEW = 24, 20
#: Of things that were not counted, how many are named.
MOST_PLACES = 4
#: Columns after dead; where there is no room those go first that a ReLU has as it has dead.
ALSO = tuple(name for name in DEFINITIONS if name != "dead")
FIRST_OUT = ("constant", "never_positive", "silent", "saturated", "dormant", "linear", "rare")
SHORT = {"never_positive": "never + %", "certified": "certified %"}


def parts(look: Look, name: str, width: int, every: bool = False) -> list[RenderableType]:
    """What there is to see, from the answer down to what was not counted."""
    shares = {layer.name: layer.share("dead") for layer in look.layers}
    names = [*shares] if every or len(shares) <= MOST_LAYERS else named_layers.worst(shares, FEW)
    shown = [layer for layer in look.layers if layer.name in names]
    blocks: list[RenderableType] = [headline(look, name), legend(look)]
    if shown:
        blocks.append(table(shown, width))
    if hidden := named_layers.rest(shares, names, "dead: --all shows them"):
        blocks.append(hidden)
    return [*blocks, *remarks(look, width), *coverage(look.coverage, len(look.layers), width)]


def headline(look: Look, name: str) -> Text:
    """How many units are dead, and where most of them are, in a sentence."""
    share = look.share()
    if share is None:
        text = "no unit to count: no activation behind a linear layer was seen"
        return Text(f"{name}: {text}", style="bold red")
    text = (
        f"{name}: {formatting.percent(share)}% of {labels.count(look.units, 'unit')} dead on "
        f"{labels.count(look.examples, 'example')}"
    )
    shares = {layer.name: layer.share("dead") or 0.0 for layer in look.layers}
    worst = max(shares, key=lambda layer: shares[layer])
    if len(look.layers) > 1 and len(set(shares.values())) > 1:
        text += f", most in {worst}: {formatting.percent(shares[worst])}%"
    return Text(text, style="bold")


def legend(look: Look) -> Text:
    """What dead means, and in which numbers it was taken."""
    types = " and ".join(dict.fromkeys(layer.dtype for layer in look.layers))
    meaning = CALLED["dead"][1].replace("probe example", "example")
    return Text(f"dead: {meaning}{f', in {types}' if types else ''}", style="dim")


def table(layers: Sequence[Layer], width: int) -> Fitted:
    """One row per layer. Where ``width`` is short, places and definitions are left out."""
    certified = ("certified",) if any(layer.certified is not None for layer in layers) else ()
    also = [name for name in ALSO if any(layer.share(name) is not None for layer in layers)]
    known = any(layer.where for layer in layers)
    dropped = sorted(also, key=FIRST_OUT.index)
    sizes = [(0, known), *((n, False) for n in range(len(also) + 1))]
    layouts = (
        (
            _table(layers, (*certified, *(n for n in also if n not in dropped[:out])), where),
            ", ".join(
                [name.replace("_", " ") for name in also if name in dropped[:out]]
                + ["where"] * (known - where)
            ),
        )
        for out, where in sizes
    )
    return fitted(layouts, width)


def _table(layers: Sequence[Layer], definitions: Iterable[str], where: bool) -> Table:
    made = plain_table()
    made.add_column("layer", no_wrap=True)
    made.add_column("activation", no_wrap=True)
    for title in ("units", "dead %", *(SHORT.get(n, f"{n} %") for n in definitions)):
        made.add_column(title, justify="right", no_wrap=True)
    if where:
        made.add_column("where", no_wrap=True)
    for layer in layers:
        dead = layer.share("dead")
        others = (Text(formatting.percent(layer.share(name))) for name in definitions)
        cells = [Text(layer.name), Text(layer.activation), Text(f"{layer.units:,}")]
        cells += [Text(formatting.percent(dead), style=heat(dead)), *others]
        made.add_row(*cells, *([Text(layer.where, style="dim")] if where else []))
    return made


def remarks(look: Look, width: int) -> list[Text]:
    """What a row's numbers hide: a second way round the activation, numbers that are not finite."""
    lines = []
    if bypassed := [layer.name for layer in look.layers if layer.bypassed]:
        text = "bypassed (z goes round the activation too; dead only if every way is flat)"
        lines.append(_wrapped(f"{text}: {formatting.few(bypassed, MOST_PLACES)}", width))
    if broken := [layer for layer in look.layers if layer.not_finite.any()]:
        counts = [
            f"{layer.name} ({int(layer.not_finite.sum()):,} of {layer.units:,})" for layer in broken
        ]
        text = f"NaN or infinite, neither dead nor alive: {formatting.few(counts, MOST_PLACES)}"
        lines.append(_wrapped(text, width, "red"))
    return lines


def coverage(seen: Coverage, layers: int, width: int) -> list[Text]:
    """What was counted, and what was not and why: it always ends the output."""
    rows: list[tuple[str, Sequence[Place]]] = [
        ("at the output, not counted", seen.outputs),
        ("linear layers without an activation", seen.bare),
        ("cannot be looked into", seen.opaque),
        ("branches never taken", seen.never_taken),
    ]
    lines = [Text(f"coverage: {labels.count(layers, 'activation')} counted", style="dim")]
    for title, places in rows:
        if places:
            style = "yellow" if places in (seen.opaque, seen.never_taken) else "dim"
            text = f"  {title}: {formatting.few([*map(_place, places)], MOST_PLACES)}"
            lines.append(_wrapped(text, width, style))
    return [*lines, *(_wrapped(f"  {note}", width, "dim") for note in seen.notes)]


def _wrapped(text: str, width: int, style: str = "") -> Text:
    """Lines of this width, all but the first further in."""
    lines = textwrap.wrap(text, width, subsequent_indent="    ", break_on_hyphens=False)
    return Text("\n".join(lines), style=style)


def _place(place: Place) -> str:
    return f"{place.what} ({place.where})" if place.where else place.what
