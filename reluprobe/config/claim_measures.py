"""What claims of a reference file may be about: measures by name, and what each may be told.

The functions behind the names are in ``analysis.claim_measures``; a test keeps both lists the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from reluprobe.config.choices import DEFINITIONS

#: What a trend may be over.
STEPS = ("phases", "epochs", "layers")
#: Definitions of which a record may say which units they are true of, and not only of how many.
#: Sets of units are compared by these alone.
MASKED = tuple(d for d in DEFINITIONS if d not in ("silent", "never_positive", "constant"))


@dataclass(frozen=True)
class MeasureForm:
    """One measure of a run.

    Attributes:
        meaning: for the documentation.
        takes: keys of a claim that say what of it, and where.
        needs: those of these that must be there.
        over: what a trend of it may be over.
    """

    meaning: str
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


_OTHERS = {
    "accuracy": MeasureForm("accuracy on the test set", ("at",), over=("phases", "epochs")),
    "mean_accuracy": MeasureForm(
        "accuracy at each phase's end on the test set of the task then trained, the mean over "
        "phases: plasticity"
    ),
    "collapsed": MeasureForm(
        "whether the finished network's output no longer depends on its input: the share of runs"
    ),
    "revives": MeasureForm(
        "of the units dead at a probe, and not drawn anew, those alive at the next", ("layer",)
    ),
    "died_once": MeasureForm("share of units that were dead at one probe at least", ("layer",)),
    "gain": MeasureForm(
        "share by `definition` (`dead` if left out) in the second of two `layers` minus that in "
        "the first",
        ("layers", "definition", "on", "at"),
        ("layers",),
    ),
    "smallest_step": MeasureForm(
        "the smallest change of the share by `definition` (`dead` if left out) from a layer to the "
        "next: above 0 only where each has more than the last",
        ("definition", "on", "at"),
    ),
    "overlap": MeasureForm(
        "of the sets X and Y of units by `definition` at two successive phases' ends (of a run "
        "without phases: epochs), |X ∩ Y| / min(|X|, |Y|) (Sokar et al. 2023); n/a "
        "where one is empty",
        ("definition", "layer", "at"),
        ("definition",),
        ("phases", "epochs"),
    ),
}

_SHARE = MeasureForm(
    "share of units that are so by this definition; with `minus`, another's share is taken off",
    ("minus", "layer", "on", "at"),
    over=STEPS,
)
#: Every measure that a claim may be about.
MEASURES: dict[str, MeasureForm] = dict.fromkeys(DEFINITIONS, _SHARE) | _OTHERS
