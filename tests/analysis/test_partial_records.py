"""Records that lack parts, as old, diverged and hand-made ones do: every analysis copes."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import records
from reluprobe.analysis import (
    aggregate,
    claims,
    compare,
    death_causes,
    init_signal,
    lacking,
    learning_curves,
    phase_outcomes,
    rates,
    replication,
    side_by_side,
    splits,
    step_course,
    survival_curves,
    unit_fates,
)
from reluprobe.analysis.baseline import configurations
from reluprobe.analysis.contrast import Question
from reluprobe.config import load_reference, make_run
from reluprobe.config.choices import DEFINITIONS, SPLITS
from reluprobe.errors import InputError
from reluprobe.plan.runs import run_id

STUDY = load_reference("mnist_study")
WIDTH = 5
NUMBERS = st.none() | st.floats(0, 1)
CAUSES = st.none() | st.builds(records.CausesRecord, *[st.sampled_from([-1.0, 0.0, 0.5])] * 3)
OUTPUTS = st.none() | st.builds(
    records.ActivationsRecord,
    *[st.sampled_from([-1e-9, 0.0, 0.5])] * 6,
    counts=st.sampled_from([(), (1, 2)]),
)


@st.composite
def layers(draw, depth):
    """Hidden layers at one probe, any of their numbers null."""
    mask = st.none() | st.sampled_from(["00", "f8", "50"])
    some = st.none() | st.sampled_from(["", "f8", "50"])
    pace = st.none() | st.builds(records.PaceRecord, st.just(2), *[st.sampled_from([0.0, 0.5])] * 2)
    optional = {
        "rare_units": some,
        "linear_units": some,
        "firing": st.none() | st.sampled_from([(5, *[0] * 8), (0, 1, 1, *[0] * 5, 3)]),
        "movement": st.none() | st.builds(records.MovementRecord, *[pace] * 4),
        "dead_data": NUMBERS,
        "certified": NUMBERS,
        "deaths": st.none() | st.integers(0, WIDTH),
        "causes": CAUSES,
        "activations": OUTPUTS,
    }
    layer = st.builds(
        records.LayerRecord,
        st.just(WIDTH),
        **dict.fromkeys(DEFINITIONS, NUMBERS),
        dead_units=mask,
        **{name: values for name, values in optional.items() if draw(st.booleans())},
    )
    return tuple(draw(st.tuples(*[layer] * depth)))


@st.composite
def samples(draw, name, depth):
    """The finished network on one split."""
    return records.SampleRecord(name, 9, draw(NUMBERS), draw(NUMBERS), draw(layers(depth)))


@st.composite
def runs(draw):
    """A run that may have ended anyhow and lack anything that the schema lets it lack."""
    depth, epochs = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    config = make_run(
        {
            "activation": draw(st.sampled_from(["relu", "leaky_relu"])),
            "dataset": draw(st.sampled_from(["mnist", "abs"])),
            "phases": draw(st.sampled_from(["none", "same*1"])),
            "seed": draw(st.integers(0, 2)),
            "depth": depth,
            "width": WIDTH,
            "epochs": epochs,
        }
    )
    steps = draw(st.sampled_from([None, 10]))
    history = [
        records.EpochRecord(
            epoch,
            *(draw(NUMBERS) for _ in range(4)),
            draw(layers(depth)),
            steps and steps * epoch,
        )
        for epoch in range(epochs + 1)
        if draw(st.integers(0, 4))
    ]
    start = st.none() | samples("probe", depth)
    return records.RunRecord(
        draw(st.sampled_from(records.READABLE)),
        run_id(config),
        config,
        draw(st.sampled_from(["ok", "ok", "ok", "diverged", "failed"])),
        {},
        1.0,
        records.ProbeRecord("train", 9),
        tuple(history),
        steps=tuple(
            records.StepRecord(step, draw(layers(depth)))
            for step in draw(st.sampled_from([(), (5,), (5, 15)]))
        ),
        samples=tuple(draw(samples(name, depth)) for name in SPLITS if draw(st.booleans())),
        phases=tuple(
            records.PhaseRecord(
                n, "mnist", "same", n, n + 1, draw(start), draw(samples("probe", depth))
            )
            for n in range(draw(st.integers(0, 2)))
        ),
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(runs(), max_size=4), st.sampled_from(DEFINITIONS))
def test_every_analysis_copes_with_what_a_record_may_lack(members, definition):
    for by in (None, [], ["activation"], ["leaky_slope"]):
        summaries = aggregate.summarize(members, definition, by)
        for key in aggregate.SORT_KEYS:
            aggregate.sort_summaries(summaries, key)
    aggregate.pivot(members, "activation", "dataset", definition)
    splits.by_split(members, definition)
    phase_outcomes.turns(members, definition)
    step_course.course(members, definition)
    death_causes.blame(members)
    init_signal.signals(members)
    unit_fates.fates(members)
    for reason in (lacking.end, lacking.courses, lacking.training, lacking.lives, lacking.causes):
        reason(members)
    lacking.signals(members)
    lacking.flows(members)
    rates.rates(members)
    rates.slow(members)
    lacking.shares(members, definition)
    learning_curves.network(members, definition)
    learning_curves.layer(members, 2, definition)
    learning_curves.by_epoch(members, lambda epoch: epoch.test_accuracy)
    survival_curves.not_yet_dead(members)
    survival_curves.still_dead(members)
    claims.judge_all(replication.compare(members, STUDY))
    if members:
        side_by_side.line_up([members, members[:1]], definition, sort="loss")


@settings(max_examples=15, deadline=None)
@given(st.lists(runs(), min_size=2, max_size=4), st.sampled_from(SPLITS))
def test_a_comparison_copes_with_them_too(members, split):
    chosen = configurations(members)[0].settings
    question = Question(chosen, definition="dead", on=split)
    try:
        comparison = compare.compare(members, question)
    except InputError:
        return  # one configuration alone
    for key in aggregate.SORT_KEYS:
        compare.sort_contrasts(comparison.groups[0].rows, key)
    compare.splits(members, dataclasses.replace(question, baseline={}))
