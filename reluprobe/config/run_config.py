"""RunConfig: every setting of a run, each with its type, bounds, default and help.

The flags of ``reluprobe train``, the keys of a sweep file, the ``config`` of a record and the
checks on all three are made from the fields of :class:`RunConfig`. It is a table, and as long as
it has rows; a remedy is a row here and a few lines where its formula is.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict

from reluprobe.config import choices, own_data, own_network, phases, triggers, widths
from reluprobe.config.field import INT32_MAX, Form, Spec

# Outside the class, in which ``phases`` is a field.
PHASES = Form(phases.FORM, phases.PATTERN, phases.fault, phases.normal)
NETWORK = Form(own_network.FORM, own_network.PATTERN, own_network.fault, str.strip)
NETWORK_SETTINGS = Form(
    own_network.SETTINGS_FORM,
    own_network.SETTINGS_PATTERN,
    own_network.settings_fault,
    own_network.normal_settings,
)
REVIVE_AT = Form(triggers.FORM, triggers.PATTERN, triggers.fault, triggers.normal)


@dataclass(frozen=True)
class RunConfig:
    """One configuration with one seed. The defaults are the MNIST study's run."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    activation: Annotated[
        str,
        Spec(
            "Activation of the hidden layers; a parameter may follow: leaky_relu(0.1).",
            choices=choices.ACTIVATIONS,
            flags=("--act",),
        ),
    ] = "relu"
    learning_rate: Annotated[
        float, Spec("Learning rate of the optimizer.", role="number", gt=0, flags=("--lr",))
    ] = 5e-3
    init: Annotated[
        str, Spec("Initializer of the weights.", role="start", choices=choices.INITS)
    ] = "glorot_uniform"
    init_scale: Annotated[
        float,
        Spec(
            "Standard deviation of init normal, half-width of init uniform.",
            role="start",
            ge=0,
            only_with=("init", ("normal", "uniform")),
        ),
    ] = 0.05
    weight_gain: Annotated[
        float, Spec("Factor on the hidden layers' weights as drawn.", role="start", gt=0)
    ] = 1.0
    bias_init: Annotated[
        float,
        Spec(
            "Starting value of the hidden layers' biases.",
            role="start",
            not_with=("init", ("rai",)),
        ),
    ] = 0.0
    use_bias: Annotated[bool, Spec("Whether hidden layers have biases.")] = True
    network: Annotated[
        str,
        Spec("What is trained: mlp, cnn, or your own, package.module:function.", form=NETWORK),
    ] = "mlp"
    network_settings: Annotated[
        str,
        Spec(
            "Settings of your own network: blocks=2,gate=true.",
            form=NETWORK_SETTINGS,
            not_with=("network", choices.NETWORKS),
        ),
    ] = ""
    channels: Annotated[
        str,
        Spec(
            "Channels of a cnn's convolutions, one after the other: 32,64.",
            form=widths.WIDTHS,
            only_with=("network", ("cnn",)),
        ),
    ] = "32-64"
    kernel: Annotated[
        int,
        Spec("Side of a convolution, in pixels.", ge=1, le=31, only_with=("network", ("cnn",))),
    ] = 3
    pooling: Annotated[
        str,
        Spec(
            "Pooling of 2 by 2 after each convolution.",
            choices=choices.POOLINGS,
            only_with=("network", ("cnn",)),
        ),
    ] = "max"
    depth: Annotated[
        int, Spec("Number of hidden layers; of a cnn its dense ones (1).", ge=1, le=1000)
    ] = 5
    width: (
        Annotated[
            int,
            Spec("Units in each hidden layer, or of one layer after the other.", ge=1, le=65536),
        ]
        | Annotated[str, widths.WIDTHS]
    ) = 256
    norm: Annotated[
        str,
        Spec("Normalization between a layer's product and its activation.", choices=choices.NORMS),
    ] = "none"
    residual: Annotated[
        bool, Spec("Add each hidden layer's input to its output, from the second.")
    ] = False
    dropout: Annotated[
        float, Spec("Share of hidden outputs set to 0 while training.", role="dial", ge=0, lt=1)
    ] = 0.0
    optimizer: Annotated[str, Spec("Optimizer.", choices=choices.OPTIMIZERS)] = "adam"
    momentum: Annotated[
        float,
        Spec(
            "Decay of momentum's velocity.",
            role="dial",
            ge=0,
            lt=1,
            only_with=("optimizer", ("momentum",)),
        ),
    ] = 0.9
    nesterov: Annotated[
        bool, Spec("Nesterov's form of momentum.", only_with=("optimizer", ("momentum",)))
    ] = False
    adam_beta1: Annotated[
        float,
        Spec(
            "Decay of Adam's first moment.",
            role="dial",
            ge=0,
            lt=1,
            only_with=("optimizer", choices.ADAMS),
        ),
    ] = 0.9
    adam_beta2: Annotated[
        float,
        Spec(
            "Decay of Adam's second moment.",
            role="dial",
            ge=0,
            lt=1,
            only_with=("optimizer", choices.ADAMS),
        ),
    ] = 0.999
    adam_epsilon: Annotated[
        float,
        Spec(
            "Added to the root of Adam's second moment.",
            role="dial",
            gt=0,
            only_with=("optimizer", choices.ADAMS),
        ),
    ] = 1e-7
    weight_decay: Annotated[
        float,
        Spec(
            "Decoupled weight decay, times the learning rate; 0 with adamw is its own 4e-3.",
            role="dial",
            ge=0,
        ),
    ] = 0.0
    l2: Annotated[
        float, Spec("λ of a penalty λ/2 times the weights' squares in the loss.", role="dial", ge=0)
    ] = 0.0
    l2_init: Annotated[
        float,
        Spec(
            "λ of a penalty λ/2 times the squares of how far all parameters are from their init.",
            role="dial",
            ge=0,
        ),
    ] = 0.0
    clip_norm: Annotated[
        float, Spec("Largest norm of the whole gradient; 0: any.", role="dial", ge=0)
    ] = 0.0
    clip_value: Annotated[
        float, Spec("Largest magnitude of a gradient's component; 0: any.", role="dial", ge=0)
    ] = 0.0
    schedule: Annotated[
        str,
        Spec(
            "Learning rate after warm-up: to 0 by a cosine, or down in steps.",
            choices=choices.SCHEDULES,
        ),
    ] = "constant"
    step_epochs: Annotated[
        int,
        Spec(
            "Epochs between the steps of schedule step.",
            ge=1,
            le=INT32_MAX,
            only_with=("schedule", ("step",)),
        ),
    ] = 4
    step_factor: Annotated[
        float,
        Spec(
            "Factor on the learning rate at each step of schedule step.",
            gt=0,
            only_with=("schedule", ("step",)),
        ),
    ] = 0.1
    warmup_steps: Annotated[
        int,
        Spec("Steps over which the learning rate rises linearly to its value.", ge=0, le=INT32_MAX),
    ] = 0
    batch_size: Annotated[
        int, Spec("Examples a step; an epoch's last, smaller batch is kept.", ge=1, le=1_000_000)
    ] = 128
    epochs: Annotated[
        int, Spec("Passes over the training set; 0 only measures the init.", ge=0, le=INT32_MAX)
    ] = 12
    precision: Annotated[
        str,
        Spec(
            "Products while training; bfloat16 rounds factors to 7 bits, tf32 to 10, on GPUs from "
            "Ampere on.",
            choices=choices.PRECISIONS,
        ),
    ] = "float32"
    leaky_slope: Annotated[
        float,
        Spec(
            "Slope of leaky_relu below zero.",
            role="number",
            only_with=("activation", ("leaky_relu",)),
        ),
    ] = 0.01
    elu_alpha: Annotated[
        float,
        Spec(
            "Alpha of elu: its limit at -inf is -alpha.",
            role="number",
            gt=0,
            only_with=("activation", ("elu",)),
        ),
    ] = 1.0
    celu_alpha: Annotated[
        float,
        Spec(
            "Alpha of celu: its limit at -inf is -alpha.",
            role="number",
            gt=0,
            only_with=("activation", ("celu",)),
        ),
    ] = 1.0
    prelu_slope: Annotated[
        float,
        Spec(
            "Slope below zero that prelu starts from; each layer learns its own.",
            role="start",
            only_with=("activation", ("prelu",)),
        ),
    ] = 0.25
    dataset: Annotated[
        str,
        Spec(
            "Dataset: mnist, blobs, abs, any TFDS image set; or the path of your own: .npz, .csv, "
            ".parquet, a folder of .npy files or of images by class. "
            f"({own_data.RULE[0].upper()}{own_data.RULE[1:]}.)"
        ),
    ] = "mnist"
    target: Annotated[
        str,
        Spec(
            "Column of a .csv or .parquet to be predicted.", only_with=("dataset", own_data.PATHS)
        ),
    ] = ""
    task: Annotated[
        str,
        Spec(
            "What is learnt of a file; auto: numbers with a point are a regression's targets, "
            "whole numbers and texts are classes.",
            choices=choices.LEARNT,
            only_with=("dataset", own_data.PATHS),
        ),
    ] = "auto"
    test_share: Annotated[
        float,
        Spec(
            "Share of a file's examples that are its test set, where it has none of its own.",
            gt=0,
            lt=1,
            only_with=("dataset", own_data.PATHS),
        ),
    ] = 0.2
    split_seed: Annotated[
        int,
        Spec(
            "Seed of the order in which a file's examples are dealt out.",
            ge=0,
            le=2**32 - 1,
            only_with=("dataset", own_data.PATHS),
        ),
    ] = 0
    standardize: Annotated[
        bool,
        Spec(
            "Shift and scale each feature of a file, and a regression's target, by mean and "
            "standard deviation of the training examples.",
            only_with=("dataset", own_data.PATHS),
        ),
    ] = False
    data_sha256: Annotated[
        str,
        Spec(
            "SHA-256 of a file, filled in when its runs are planned; another file is refused.",
            form=own_data.SHA256,
            only_with=("dataset", own_data.PATHS),
        ),
    ] = ""
    pixels: Annotated[
        str,
        Spec(
            "Scaling: [0, 1]; mean 0 and variance 1 over all pixels; each pixel's mean taken off.",
            choices=choices.PIXELS,
        ),
    ] = "unit"
    label_noise: Annotated[
        float, Spec("Share of training labels replaced by another class.", role="dial", ge=0, le=1)
    ] = 0.0
    phases: Annotated[
        str,
        Spec(
            "New data after the first: permuted_pixels*9, fashion_mnist, shuffled_labels@2, …",
            form=PHASES,
        ),
    ] = phases.NONE
    revive: Annotated[
        str, Spec("What is done about dead units while training.", choices=choices.REVIVALS)
    ] = "none"
    revive_at: Annotated[
        str,
        Spec(
            "When: after epochs, at phases, after some epochs (1,3,6), or every 200 steps.",
            form=REVIVE_AT,
            not_with=("revive", ("none",)),
        ),
    ] = "epochs"
    revive_definition: Annotated[
        str,
        Spec(
            "Which units are revived: a definition of death, on the probe.",
            choices=choices.DEFINITIONS,
            only_with=("revive", choices.UNIT_REVIVALS),
        ),
    ] = "dead"
    revive_threshold: Annotated[
        float,
        Spec(
            "τ of revive_definition dormant: the score, over its layer's mean, at or below it.",
            role="dial",
            ge=0,
            only_with=("revive_definition", ("dormant",)),
        ),
    ] = 0.025
    redraw_scale: Annotated[
        float,
        Spec(
            "Standard deviation of the weights that redraw draws.",
            role="dial",
            gt=0,
            only_with=("revive", ("redraw",)),
        ),
    ] = 0.05
    shrink: Annotated[
        float,
        Spec(
            "Factor on all weights when shrink_perturb shrinks them.",
            role="dial",
            ge=0,
            le=1,
            only_with=("revive", ("shrink_perturb",)),
        ),
    ] = 0.5
    perturb: Annotated[
        float,
        Spec(
            "Standard deviation of the noise that shrink_perturb adds to weights.",
            role="dial",
            ge=0,
            only_with=("revive", ("shrink_perturb",)),
        ),
    ] = 0.01
    freeze_layers: Annotated[
        int, Spec("First hidden layers that stop training; 0: none.", ge=0, le=1000)
    ] = 0
    freeze_after: Annotated[
        int,
        Spec("Epochs after which they stop.", ge=0, le=INT32_MAX, not_with=("freeze_layers", (0,))),
    ] = 1
    probe_examples: (
        Annotated[
            int,
            Spec(
                "Training examples, the first of them, that a unit is probed on; all: every one. "
                "A file with fewer than 1000 has all of them probed.",
                ge=1,
                le=INT32_MAX,
            ),
        ]
        | Literal["all"]
    ) = 1000
    probe_every: Annotated[
        int,
        Spec("Probe after every this many steps too; 0: after epochs only.", ge=0, le=INT32_MAX),
    ] = 0
    dormant_threshold: Annotated[
        float,
        Spec(
            "τ of dormant: a unit's mean |output| over its layer's mean, at or below it.",
            role="dial",
            gt=0,
        ),
    ] = 0.025
    rare_threshold: Annotated[
        float,
        Spec(
            "Largest share of examples on which a rare unit fires.",
            role="dial",
            gt=0,
            lt=1,
        ),
    ] = 0.01
    seed: Annotated[
        int,
        Spec("Seed of the run's weights and of its data order.", role="start", ge=0, le=2**32 - 1),
    ] = 42

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each hidden layer, the first layer's first; none of somebody's own network."""
        if self.is_own:
            return ()
        dense = self.width
        dense = widths.parse(dense) if isinstance(dense, str) else (dense,) * self.depth
        return (*self.convolutions, *dense)

    @property
    def convolutions(self) -> tuple[int, ...]:
        """Channels of each convolution, which come before the dense layers; of a cnn alone."""
        return widths.parse(self.channels) if self.network == "cnn" else ()

    @property
    def is_own(self) -> bool:
        """Whether the network is somebody's own function's."""
        return self.network not in choices.NETWORKS


#: The settings by what they are about, for ``--help``: each in one group.
GROUPS: dict[str, tuple[str, ...]] = {
    "Activation": (*("activation", "leaky_slope", "elu_alpha", "celu_alpha", "prelu_slope"),),
    "Network": (
        *("network", "network_settings", "channels", "kernel", "pooling"),
        *("depth", "width", "norm", "residual", "dropout"),
        *("init", "init_scale", "weight_gain", "bias_init", "use_bias"),
    ),
    "Training": (
        *("learning_rate", "optimizer", "batch_size", "epochs", "precision", "schedule"),
        *(
            "step_epochs",
            "step_factor",
            "warmup_steps",
            "momentum",
            "nesterov",
            "adam_beta1",
            "adam_beta2",
        ),
        *("adam_epsilon", "weight_decay", "l2", "l2_init", "clip_norm", "clip_value"),
    ),
    "Data": (
        *("dataset", "target", "task", "test_share", "split_seed", "standardize", "data_sha256"),
        *("pixels", "label_noise", "phases", "seed"),
    ),
    "Reviving": (
        *("revive", "revive_at", "revive_definition", "revive_threshold", "redraw_scale"),
        *("shrink", "perturb", "freeze_layers", "freeze_after"),
    ),
    "Looking": ("probe_examples", "probe_every", "dormant_threshold", "rare_threshold"),
}

#: Settings that say which network it is, and what only ours have.
_OURS = ("network", "network_settings", "channels", "kernel", "pooling")
#: Settings that are handed to the function that builds somebody's own network, and are part of its
#: program.
BUILDING = tuple(n for n in (*GROUPS["Activation"], *GROUPS["Network"]) if n not in _OURS)
