"""The settings of one run: each has one name, one default, one help text, all of it here.

The flags of ``reluprobe train``, the keys of a sweep file, the ``config`` of a record and the
checks on all three are made from the fields of :class:`RunConfig`. It is a table, and as long as
it has rows; a remedy is a row here and a few lines where its formula is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from reluprobe.config import choices, phases, triggers
from reluprobe.config.field import Form, setting


@dataclass(frozen=True)
class RunConfig:
    """One configuration with one seed. The defaults are the MNIST study's run."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    activation: str = setting(
        "relu",
        "Activation of the hidden layers; a parameter may follow: leaky_relu(0.1).",
        choices=choices.ACTIVATIONS,
        flags=("--act",),
    )
    learning_rate: float = setting(
        5e-3, "Learning rate of the optimizer.", role="number", gt=0, flags=("--lr",)
    )
    init: str = setting(
        "glorot_uniform", "Initializer of the weights.", role="start", choices=choices.INITS
    )
    init_scale: float = setting(
        0.05,
        "Standard deviation of init normal, half-width of init uniform.",
        role="start",
        ge=0,
        only_with=("init", ("normal", "uniform")),
    )
    weight_gain: float = setting(
        1.0, "Factor on the hidden layers' weights as drawn.", role="start", gt=0
    )
    bias_init: float = setting(
        0.0,
        "Starting value of the hidden layers' biases.",
        role="start",
        not_with=("init", ("rai",)),
    )
    use_bias: bool = setting(True, "Whether hidden layers have biases.")
    depth: int = setting(5, "Number of hidden layers.", ge=1, le=1000)
    width: int = setting(256, "Units in each hidden layer.", ge=1, le=65536)
    norm: str = setting(
        "none", "Normalization between a layer's product and its activation.", choices=choices.NORMS
    )
    residual: bool = setting(False, "Add each hidden layer's input to its output, from the second.")
    dropout: float = setting(
        0.0, "Share of hidden outputs set to 0 while training.", role="dial", ge=0, lt=1
    )
    optimizer: str = setting("adam", "Optimizer.", choices=choices.OPTIMIZERS)
    momentum: float = setting(
        0.9,
        "Decay of momentum's velocity.",
        role="dial",
        ge=0,
        lt=1,
        only_with=("optimizer", ("momentum",)),
    )
    nesterov: bool = setting(
        False, "Nesterov's form of momentum.", only_with=("optimizer", ("momentum",))
    )
    adam_beta1: float = setting(
        0.9,
        "Decay of Adam's first moment.",
        role="dial",
        ge=0,
        lt=1,
        only_with=("optimizer", choices.ADAMS),
    )
    adam_beta2: float = setting(
        0.999,
        "Decay of Adam's second moment.",
        role="dial",
        ge=0,
        lt=1,
        only_with=("optimizer", choices.ADAMS),
    )
    adam_epsilon: float = setting(
        1e-7,
        "Added to the root of Adam's second moment.",
        role="dial",
        gt=0,
        only_with=("optimizer", choices.ADAMS),
    )
    weight_decay: float = setting(
        0.0,
        "Decoupled weight decay, times the learning rate; 0 with adamw is its own 4e-3.",
        role="dial",
        ge=0,
    )
    l2: float = setting(
        0.0, "λ of a penalty λ/2 times the weights' squares in the loss.", role="dial", ge=0
    )
    clip_norm: float = setting(
        0.0, "Largest norm of the whole gradient; 0: any.", role="dial", ge=0
    )
    clip_value: float = setting(
        0.0, "Largest magnitude of a gradient's component; 0: any.", role="dial", ge=0
    )
    schedule: str = setting(
        "constant",
        "Learning rate after warm-up: to 0 by a cosine, or down in steps.",
        choices=choices.SCHEDULES,
    )
    step_epochs: int = setting(
        4, "Epochs between the steps of schedule step.", ge=1, only_with=("schedule", ("step",))
    )
    step_factor: float = setting(
        0.1,
        "Factor on the learning rate at each step of schedule step.",
        gt=0,
        only_with=("schedule", ("step",)),
    )
    warmup_steps: int = setting(
        0, "Steps over which the learning rate rises linearly to its value.", ge=0
    )
    batch_size: int = setting(
        128, "Examples a step; an epoch's last, smaller batch is kept.", ge=1, le=1_000_000
    )
    epochs: int = setting(12, "Passes over the training set; 0 only measures the init.", ge=0)
    leaky_slope: float = setting(
        0.01,
        "Slope of leaky_relu below zero.",
        role="number",
        only_with=("activation", ("leaky_relu",)),
    )
    elu_alpha: float = setting(
        1.0,
        "Alpha of elu: its limit at -inf is -alpha.",
        role="number",
        gt=0,
        only_with=("activation", ("elu",)),
    )
    celu_alpha: float = setting(
        1.0,
        "Alpha of celu: its limit at -inf is -alpha.",
        role="number",
        gt=0,
        only_with=("activation", ("celu",)),
    )
    prelu_slope: float = setting(
        0.25,
        "Slope below zero that prelu starts from; each layer learns its own.",
        role="start",
        only_with=("activation", ("prelu",)),
    )
    dataset: str = setting("mnist", "Dataset: mnist, blobs, abs, or any TFDS image set.")
    pixels: str = setting(
        "unit",
        "Scaling: [0, 1]; mean 0 and variance 1 over all pixels; each pixel's mean taken off.",
        choices=choices.PIXELS,
    )
    label_noise: float = setting(
        0.0, "Share of training labels replaced by another class.", role="dial", ge=0, le=1
    )
    phases: str = setting(
        phases.NONE,
        "New data after the first: permuted_pixels*9, fashion_mnist, shuffled_labels@2, …",
        form=Form(phases.FORM, phases.PATTERN, phases.fault, phases.normal),
    )
    revive: str = setting(
        "none",
        "What is done about dead units while training.",
        choices=choices.REVIVALS,
    )
    revive_at: str = setting(
        "epochs",
        "When: after epochs, at phases, after some epochs (1,3,6), or every 200 steps.",
        form=Form(triggers.FORM, triggers.PATTERN, triggers.fault, triggers.normal),
        not_with=("revive", ("none",)),
    )
    revive_definition: str = setting(
        "dead",
        "Which units are revived: a definition of death, on the probe.",
        choices=choices.DEFINITIONS,
        only_with=("revive", choices.UNIT_REVIVALS),
    )
    revive_threshold: float = setting(
        0.025,
        "τ of revive_definition dormant: the score, over its layer's mean, at or below it.",
        role="dial",
        ge=0,
        only_with=("revive_definition", ("dormant",)),
    )
    redraw_scale: float = setting(
        0.05,
        "Standard deviation of the weights that redraw draws.",
        role="dial",
        gt=0,
        only_with=("revive", ("redraw",)),
    )
    shrink: float = setting(
        0.5,
        "Factor on all weights when shrink_perturb shrinks them.",
        role="dial",
        ge=0,
        le=1,
        only_with=("revive", ("shrink_perturb",)),
    )
    perturb: float = setting(
        0.01,
        "Standard deviation of the noise that shrink_perturb adds to weights.",
        role="dial",
        ge=0,
        only_with=("revive", ("shrink_perturb",)),
    )
    freeze_layers: int = setting(0, "First hidden layers that stop training; 0: none.", ge=0)
    freeze_after: int = setting(
        1, "Epochs after which they stop.", ge=0, not_with=("freeze_layers", (0,))
    )
    probe_examples: int | Literal["all"] = setting(
        1000,
        "Training examples, the first of them, that a unit is probed on; all: every one.",
        ge=1,
        words=("all",),
    )
    probe_every: int = setting(
        0, "Probe after every this many steps too; 0: after epochs only.", ge=0
    )
    seed: int = setting(
        42, "Seed of the run's weights and of its data order.", role="start", ge=0, le=2**32 - 1
    )


#: The settings by what they are about, for ``--help``: each in one group.
GROUPS: dict[str, tuple[str, ...]] = {
    "Activation": (*("activation", "leaky_slope", "elu_alpha", "celu_alpha", "prelu_slope"),),
    "Network": (
        *("depth", "width", "norm", "residual", "dropout"),
        *("init", "init_scale", "weight_gain", "bias_init", "use_bias"),
    ),
    "Training": (
        *("learning_rate", "optimizer", "batch_size", "epochs", "schedule", "step_epochs"),
        *("step_factor", "warmup_steps", "momentum", "nesterov", "adam_beta1", "adam_beta2"),
        *("adam_epsilon", "weight_decay", "l2", "clip_norm", "clip_value"),
    ),
    "Data": ("dataset", "pixels", "label_noise", "phases", "seed"),
    "Reviving": (
        *("revive", "revive_at", "revive_definition", "revive_threshold", "redraw_scale"),
        *("shrink", "perturb", "freeze_layers", "freeze_after"),
    ),
    "Looking": ("probe_examples", "probe_every"),
}
