"""Bounds: what Lu et al. (2019) prove about the probability that a ReLU network is born dead.

With zero bias and independent weights from symmetric distributions without an atom at 0, N units in
each of D = ``depth`` hidden layers (the paper counts layers: L = D + 1) and a one-dimensional
domain around 0, the network is a function of two rays, x > 0 and x < 0. Follow their activations
through the layers:

* alone: one ray is alive, or both on one line. The next layer is silent with probability 2^−N.
* apart: the two are orthogonal, as after a first layer with both signs among its weights. A unit
  of the next layer then fires on both, on either or on neither, 1/4 each. All are silent with
  probability 4^−N, and the rays stay apart with probability
  a₂ = 1 − 2·2^−N + 4^−N − N·4^−N: minus one ray dying, minus a single unit firing on both.

The rays start apart with probability q = 1 − 2^(1−N). Rays that are no more orthogonal die together
more readily than 4^−N, so beyond the second hidden layer the chain is a lower bound; one ray alone
is an upper bound, on any domain.

References:
    Lu, Shin, Su, Karniadakis (2019), "Dying ReLU and Initialization: Theory and Numerical
    Examples", arXiv:1903.06733, section 3.
"""

from __future__ import annotations

from reluprobe.config import BornDeadConfig


def upper(depth: int, width: int) -> float:
    """1 − (1 − 2^−N)^D: one input alone is dead. Exact where there is one input."""
    return 1 - (1 - 2.0**-width) ** depth


def lower(depth: int, width: int) -> float:
    """1 − a₁^k − c·(a₁^k − a₂^k), k = D − 1, for a one-dimensional domain around 0.

    a₁ = 1 − 2^−N, a₂ = 1 − 2^(1−N) − (N − 1)·4^−N,
    c = (1 − 2^(1−N))·(1 − 2^−N) / (1 + (N − 1)·2^−N).
    """
    silent, steps = 2.0**-width, depth - 1
    one = 1 - silent
    two = 1 - 2 * silent - (width - 1) * silent**2
    weight = (1 - 2 * silent) * one / (1 + (width - 1) * silent)
    return 1 - one**steps - weight * (one**steps - two**steps)


def exact(depth: int, width: int) -> float | None:
    """The probability itself on a one-dimensional domain around 0; None where it is not known.

    D = 1: 0. D = 2: 2^(1−2N) + (1 − 2^(1−N))·4^−N. N = 1: 1 − 2^(1−D), one ray dies at once.
    """
    if depth == 1:
        return 0.0
    if width == 1:
        return 1 - 2.0 ** (1 - depth)
    if depth == 2:
        return 2.0 ** (1 - 2 * width) + (1 - 2.0 ** (1 - width)) * 4.0**-width
    return None


def covered(config: BornDeadConfig) -> bool:
    """Whether the theorem speaks of these networks at all.

    Not with RAI or a bias, and not with orthogonal weights, which are not independent: two
    orthogonal rays can never both land where every unit is silent.
    """
    if config.init in ("rai", "orthogonal") or config.bias_init != 0:
        return False
    return config.init not in ("normal", "uniform") or config.init_scale > 0


def known(
    config: BornDeadConfig, depth: int, width: int
) -> tuple[float | None, float | None, float | None]:
    """(lower, exact, upper) for this cell; None for what does not apply or is not known.

    In more dimensions than one there are more rays to kill: the lower bound and the exact values
    for two do not hold.
    """
    if not covered(config):
        return None, None, None
    above = upper(depth, width)
    if config.examples == 1:
        return above, above, above
    if config.inputs > 1:
        return None, None, above
    return lower(depth, width), exact(depth, width), above
