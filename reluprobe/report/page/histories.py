"""Settings and histories of all runs, as compact arrays for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reluprobe.analysis.settings import SEED
from reluprobe.config import labels, settings_of
from reluprobe.files.printable import printable
from reluprobe.records import EpochRecord, RunRecord
from reluprobe.records.folder import RUNS
from reluprobe.report.quality_terms import QualityTerms, terms_of_quality
from reluprobe.report.terminal import tables
from reluprobe.report.terms import run_label

#: So many numbers of all runs at most; beyond, epochs are thinned evenly. Some 1.3 megabytes.
MOST_NUMBERS = 300_000
#: So many layers of a run at most, evenly spread.
MOST_LAYERS = 50


def runs(records: Sequence[RunRecord], definition: str) -> dict[str, Any]:
    """Every run by its id.

    ``settings`` are those that all runs share; a run has only its own. Of each epoch ``e`` there
    are how good the network is by each of the sweep's ``measures`` (their names and digits after
    the point), ``q``, accuracy in percent; per layer of ``l`` the share ``d`` in tenths of a
    percent; and the test loss ``t``; null where a measure does not apply.
    """
    every = [
        {**r.settings, SEED: r.seed} if r.ours is None else settings_of(r.ours) for r in records
    ]
    first = every[0].items() if every else ()
    common = {k: v for k, v in first if all(k in s and s[k] == v for s in every)}
    # An epoch has its number, its measures and the loss beside the shares.
    qualities = terms_of_quality(records)
    columns = sum(2 + len(qualities) + min(_depth(r), MOST_LAYERS) for r in records)
    room = max(2, MOST_NUMBERS // max(1, columns))
    return {
        "measures": [[terms.heading, terms.digits] for terms in qualities],
        "settings": {k: labels.setting(v) for k, v in common.items()},
        "runs": {
            run.id: {
                "name": run_label(run),
                "status": _status(run),
                "record": f"{RUNS}/{run.id}.json",
                "settings": {k: labels.setting(v) for k, v in own.items() if k not in common},
                **_history(run, definition, room, qualities),
            }
            for run, own in zip(records, every, strict=True)
        },
    }


def _status(run: RunRecord) -> str:
    return f"{run.status}: {printable(run.error)}" if run.error else run.status


def _depth(run: RunRecord) -> int:
    return max((len(epoch.layers) for epoch in run.history), default=0)


def _history(
    run: RunRecord, definition: str, room: int, qualities: Sequence[QualityTerms]
) -> dict[str, Any]:
    epochs = [run.history[n] for n in tables.shown_layers(len(run.history), room)]
    layers = tables.shown_layers(_depth(run), MOST_LAYERS)
    return {
        "e": [run.when(epoch) for epoch in epochs],
        "of": len(run.history),
        "q": [[_drawn(epoch, terms) for terms in qualities] for epoch in epochs],
        "t": [_loss(epoch.test_loss) for epoch in epochs],
        "l": [run.layer_names[n] for n in layers],
        "d": [[_share(epoch, n, definition) for n in layers] for epoch in epochs],
    }


def _share(epoch: EpochRecord, layer: int, definition: str) -> int | None:
    return _tenths(getattr(epoch.layers[layer], definition)) if layer < len(epoch.layers) else None


def _drawn(epoch: EpochRecord, terms: QualityTerms) -> float | None:
    value = terms.quality.at(epoch)
    return None if value is None else round(terms.scale * value, terms.digits)


def _tenths(share: float | None) -> int | None:
    return None if share is None else round(1000 * share)


def _loss(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
