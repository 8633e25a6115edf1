"""Names that settings may take: activations, initializers, optimizers; known without JAX.

The package ``nn`` has the functions behind the names; a test keeps both lists the same.
"""

from typing import Literal, get_args

ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "relu6",
    "tanh",
    "sigmoid",
    "identity",
    "prelu",
    "rrelu",
    "crelu",
    "celu",
    "mish",
    "hard_tanh",
)

#: The setting that is an activation's parameter: ``leaky_relu(0.1)`` means leaky_slope = 0.1.
PARAMETERS = {
    "leaky_relu": "leaky_slope",
    "elu": "elu_alpha",
    "prelu": "prelu_slope",
    "celu": "celu_alpha",
}

#: Activations bounded on both sides: the others cannot saturate.
BOUNDED = ("relu6", "tanh", "sigmoid", "hard_tanh")

#: Activations that bend everywhere: no unit of theirs is ever linear.
CURVED = ("gelu", "silu", "softplus", "tanh", "sigmoid", "mish")

INITS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "normal",
    "uniform",
    "rai",
)

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop")
ADAMS = ("adam", "adamw")

SCHEDULES = ("constant", "cosine", "step")
NORMS = ("none", "batch", "layer")
#: Networks that settings build; any other is somebody's own, ``package.module:function``.
NETWORKS = ("mlp", "cnn")
POOLINGS = ("max", "mean", "none")
#: What matrix products are computed in while training. JAX's names are in ``nn.precision``.
PRECISIONS = ("float32", "tf32", "bfloat16")
LEARNT = ("auto", "classification", "regression")
PIXELS = ("unit", "standardized", "centred")

#: What is done about dead units while training. Formulas are in ``engine.revive``.
REVIVALS = ("none", "redo", "random", "redraw", "shrink_perturb")
#: Of these, those that pick out units and draw them anew; the others change weights everywhere.
UNIT_REVIVALS = ("redo", "random")

#: What a phase may do to the data of a dataset.
TASKS = ("same", "permuted_pixels", "shuffled_labels")

#: The definitions of death, in the order in which they are shown. Formulas are in
#: ``measures.definitions``.
DEFINITIONS = (
    "dead",
    "silent",
    "never_positive",
    "constant",
    "dormant",
    "saturated",
    "rare",
    "linear",
)

#: In which order a sweep's runs are trained; see ``plan.order``.
Order = Literal["seeds", "grid", "random"]
ORDERS: tuple[Order, ...] = get_args(Order)
#: When a run's weights are written beside its record.
SaveWeights = Literal["end", "every"]
SAVE_WEIGHTS: tuple[SaveWeights, ...] = get_args(SaveWeights)

#: The samples on which a finished network is looked at; an axis ``sample`` follows this order.
SPLITS = ("probe", "test", "train")
