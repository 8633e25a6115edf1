"""The names a setting may take, known without importing JAX.

``zoo`` holds the functions behind the names; a test keeps both lists the same.
"""

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
)

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

#: The definitions of death, in the order in which they are shown. Formulas are in ``probe``.
DEFINITIONS = ("dead", "silent", "never_positive", "constant", "dormant", "saturated")

#: The samples on which a finished network is looked at; an axis ``sample`` follows this order.
SAMPLES = ("probe", "test", "train")
