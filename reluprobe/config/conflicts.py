"""Conflicts: settings that are each allowed and make no sense together, with the reason."""

from __future__ import annotations

from collections.abc import Callable

from reluprobe.config import choices, own_network, phases, triggers
from reluprobe.config.field import INT32_MAX
from reluprobe.config.run_config import RunConfig

#: When it is so, and why it is refused.
Rule = tuple[Callable[[RunConfig], bool], str]

RULES: tuple[Rule, ...] = (
    (
        lambda c: c.is_own and c.revive != "none",
        "revive draws units of hidden layers anew that settings build; of your own network it is "
        "not known which weights go in and out of a unit",
    ),
    (
        lambda c: c.is_own and c.freeze_layers > 0,
        "freeze_layers stops layers that settings build; your own network has an order of its own",
    ),
    (
        lambda c: c.revive_definition == "saturated" and c.activation not in choices.BOUNDED,
        "revive_definition = saturated needs an activation bounded on both sides "
        f"({', '.join(choices.BOUNDED)}): no other can saturate",
    ),
    (
        lambda c: c.revive_definition == "linear" and c.activation in choices.CURVED,
        "revive_definition = linear needs an activation with a stretch that does not bend: "
        f"none of {', '.join(choices.CURVED)} has one",
    ),
    (
        lambda c: c.residual and bool(c.convolutions),
        "residual = true adds a layer's input to its output, and a cnn's differ in shape",
    ),
    (
        lambda c: c.init == "rai" and bool(c.convolutions),
        "init = rai is of dense layers: it draws a unit's one bias together with its weights",
    ),
    (
        lambda c: c.residual and not c.convolutions and len(set(c.sizes)) > 1,
        "residual = true adds a layer's input to its output: hidden layers must be of one width",
    ),
    (
        lambda c: c.residual and c.activation == "crelu",
        "residual = true does not go with activation = crelu: its layers give out twice as many "
        "values as they have units, which cannot be added to their input",
    ),
    (
        lambda c: c.residual and c.revive in choices.UNIT_REVIVALS,
        "revive = redo and random zero a unit's outgoing weights; with residual = true units of "
        "all layers share theirs",
    ),
    (
        lambda c: c.norm == "batch" and c.batch_size == 1,
        "norm = batch needs a batch_size of 2 or more: one example has no variance",
    ),
    (
        lambda c: c.init == "rai" and not c.use_bias,
        "init = rai draws a unit's bias together with its weights; use_bias = false has none",
    ),
    (
        lambda c: c.bias_init != 0 and not c.use_bias,
        "bias_init is the start of biases, and use_bias = false has none",
    ),
    (
        lambda c: c.revive_at == "phases" and c.phases == phases.NONE,
        "revive_at = phases needs further phases: set phases",
    ),
    (
        lambda c: not c.is_own and c.freeze_layers > len(c.sizes),
        "freeze_layers is larger than the number of hidden layers",
    ),
    (
        lambda c: c.standardize and c.pixels != "unit",
        "standardize = true scales each feature already: leave pixels at unit",
    ),
    (
        lambda c: c.label_noise > 0 and c.task == "regression",
        "label_noise needs classes, and task = regression has none",
    ),
    (
        lambda c: c.epochs == 0 and c.phases != phases.NONE,
        "phases need epochs >= 1: nothing is trained before the first of them",
    ),
    (
        lambda c: phases.total_epochs(c.phases, c.epochs) > INT32_MAX,
        f"epochs of all phases come to more than {INT32_MAX}",
    ),
    (
        lambda c: _never(c),
        "revive_at names no epoch after which the run goes on",
    ),
)


#: What a network's function is given beside settings.
_GIVEN = ("input_shape", "outputs")


def _never(config: RunConfig) -> bool:
    at = triggers.parse(config.revive_at)
    last = phases.total_epochs(config.phases, config.epochs)
    return config.revive != "none" and at.epochs is not None and min(at.epochs) >= last


def conflicts(config: RunConfig) -> list[str]:
    """Why these settings do not go together; empty where they do."""
    own = own_network.parse(config.network_settings)
    taken = [
        f'network_settings names {name}, which reluprobe has itself: {how}read settings["{name}"] '
        "in your function"
        for names, how in ((RunConfig.__dataclass_fields__, "set that, and "), (_GIVEN, ""))
        for name in own
        if name in names
    ]
    return [*taken, *(reason for applies, reason in RULES if applies(config))]
