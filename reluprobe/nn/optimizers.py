"""Optimizers: from a gradient to the update of the weights, one chain of Optax's parts.

In this order: the gradients of the L2 penalties, clipping by value and by norm, the optimizer's
own scaling, decoupled weight decay, the learning rate of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from reluprobe.config import RunConfig, phases
from reluprobe.config.choices import UNIT_REVIVALS
from reluprobe.nn import hidden_layers
from reluprobe.nn.activations import Scalar

Dials = Mapping[str, Scalar]
#: AdamW's decay where none is given: Keras's.
ADAMW_DECAY = 4e-3


def _adam(config: RunConfig, dials: Dials) -> optax.GradientTransformation:
    betas = dials.get("adam_beta1", 0.9), dials.get("adam_beta2", 0.999)
    scale = scale_by_aged_adam if config.revive in UNIT_REVIVALS else optax.scale_by_adam
    return scale(*betas, eps=dials.get("adam_epsilon", 1e-7))


#: What an optimizer makes of the gradient, by name. Constants that are no settings are Keras's,
#: as in the MNIST study: RMSprop's ρ 0.9 and ε 1e-7. Optax adds Adam's ε to the bias-corrected
#: √v̂ (Kingma & Ba's algorithm 1), Keras to √v before the correction.
SCALINGS: dict[str, Callable[[RunConfig, Dials], optax.GradientTransformation]] = {
    "sgd": lambda config, dials: optax.identity(),
    "momentum": lambda config, dials: optax.trace(
        dials.get("momentum", 0.9), nesterov=config.nesterov
    ),
    "adam": _adam,
    "adamw": _adam,
    "rmsprop": lambda config, dials: optax.scale_by_rms(decay=0.9, eps=1e-7),
}


def optimizer(
    config: RunConfig, learning_rate: Scalar, dials: Dials, steps: int
) -> optax.GradientTransformation:
    """The whole chain of a run.

    Args:
        config: the run; only its static settings are looked at.
        learning_rate: may be traced.
        dials: the numbers that are not at their defaults (``grouping.dials_of``); may be traced.
        steps: of an epoch.
    """
    parts: list[optax.GradientTransformation] = []
    if "l2" in dials:
        parts.append(add_decay(dials["l2"]))
    if "l2_init" in dials:
        parts.append(add_pull_to_start(dials["l2_init"]))
    if "clip_value" in dials:
        parts.append(optax.clip(dials["clip_value"]))
    if "clip_norm" in dials:
        parts.append(optax.clip_by_global_norm(dials["clip_norm"]))  # type: ignore[arg-type]
    parts.append(SCALINGS[config.optimizer](config, dials))
    if "weight_decay" in dials or config.optimizer == "adamw":
        parts.append(add_decay(dials.get("weight_decay", ADAMW_DECAY)))
    parts.append(optax.scale_by_learning_rate(rate(config, learning_rate, steps)))
    return optax.chain(*parts)


def rate(config: RunConfig, learning_rate: Scalar, steps: int) -> optax.ScalarOrSchedule:
    """The learning rate, or where it changes, the rate of step t (0 the first).

    Warm-up over w steps: η·(t + 1)/w, so that step w − 1 is the first at η. Then, from t = w on,
    constant; cosine: η·(1 + cos(π·(t − w)/(T − w)))/2 with T the steps of the whole run
    (Loshchilov & Hutter 2017, one cycle); step: η·step_factor^⌊(t − w)/(step_epochs epochs)⌋.
    """
    warmup = config.warmup_steps
    total = steps * phases.total_epochs(config.phases, config.epochs)
    if config.schedule == "cosine":
        after = optax.cosine_decay_schedule(1.0, max(1, total - warmup))
    elif config.schedule == "step":
        every = config.step_epochs * steps
        after = optax.exponential_decay(1.0, every, config.step_factor, staircase=True)
    elif warmup:
        after = optax.constant_schedule(1.0)
    else:
        return learning_rate
    rising = optax.linear_schedule(1 / max(1, warmup), 1.0, warmup - 1)
    share = optax.join_schedules([rising, after], [warmup]) if warmup else after
    return lambda step: learning_rate * share(step)


def add_decay(strength: Scalar) -> optax.GradientTransformation:
    """Add strength·w to the update of every weight w; not of biases, norms or slopes.

    Before the optimizer's scaling that is the gradient of strength/2·Σw², L2 in the loss; after
    it, decoupled decay (Loshchilov & Hutter 2019). Under plain SGD both are the same.
    """

    def add(updates: Any, params: Any) -> Any:
        def leaf(path: Any, update: Array, weight: Array) -> Array:
            return update + strength * weight if "kernel" in names_of(path) else update

        return jax.tree_util.tree_map_with_path(leaf, updates, params)

    return optax.stateless(add)


class Start(NamedTuple):
    """What the parameters were before the first step: their arrays in order.

    Not a tree like the parameters: :func:`reset` would take that for moments, and put 0 in it.
    """

    arrays: tuple[Array, ...]


def add_pull_to_start(strength: Scalar) -> optax.GradientTransformation:
    """Add strength·(θ − θ₀) to the gradient of every parameter θ that was θ₀ at first.

    The gradient of strength/2·‖θ − θ₀‖²: of weights, biases, norms and slopes alike, so that the
    pull is of the whole network to where it could still learn. A unit that is drawn anew is pulled
    to its first weights, not to those drawn. Source: Kumar, Marklund & Van Roy 2023, "Maintaining
    Plasticity in Continual Learning via Regenerative Regularization", whose λ has no half before
    it: it is half of this one.
    """

    def init(params: Any) -> Start:
        # Copies: a lane's buffers are given away, and its weights' are not to be given twice.
        return Start(tuple(jnp.array(leaf, copy=True) for leaf in jax.tree.leaves(params)))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Start]:
        first = jax.tree.unflatten(jax.tree.structure(params), state.arrays)

        def leaf(gradient: Array, now: Array, start: Array) -> Array:
            return gradient + (strength * (now - start)).astype(gradient.dtype)

        return jax.tree.map(leaf, updates, params, first), state

    return optax.GradientTransformation(init, update)


def names_of(path: Any) -> list[Any]:
    """A leaf's path in a tree as plain names and numbers."""
    return [getattr(key, "key", getattr(key, "idx", getattr(key, "name", None))) for key in path]


class AgedAdam(NamedTuple):
    """Adam's state with an age of its own for every weight: trees like the weights.

    ``seen1`` is 1 − b1ᵗ and ``seen2`` 1 − b2ᵗ after a weight's own t steps.
    """

    seen1: Any
    seen2: Any
    mu: Any
    nu: Any


def scale_by_aged_adam(b1: Scalar, b2: Scalar, eps: Scalar) -> optax.GradientTransformation:
    """Adam as Optax has it, but each weight counts its own steps.

    A weight that is drawn anew starts again at step 1, as in a fresh Adam; with one count for all
    its first moves would be √(1−b2)/(1−b1) times too short or too long (3.2 × too long at the
    defaults). Where no age is ever reset it is ``optax.scale_by_adam`` but for rounding.

    The corrections 1 − bᵗ are kept as moving averages of 1, in step with those of the gradient:
    the power of every weight's count took twice as long as all the rest of the step together.
    """

    def init(params: Any) -> AgedAdam:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return AgedAdam(zeros, zeros, zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AgedAdam]:
        def average(decay: Scalar, old: Any, new: Any) -> Any:
            return jax.tree.map(lambda o, n: decay * o + (1 - decay) * n, old, new)

        ones = jax.tree.map(jnp.ones_like, updates)
        now = AgedAdam(
            average(b1, state.seen1, ones),
            average(b2, state.seen2, ones),
            average(b1, state.mu, updates),
            average(b2, state.nu, jax.tree.map(jnp.square, updates)),
        )

        def leaf(seen1: Array, seen2: Array, m: Array, v: Array) -> Array:
            return m / seen1 / (jnp.sqrt(v / seen2) + eps)

        return jax.tree.map(leaf, *now), now

    return optax.GradientTransformation(init, update)


def reset(state: Any, params: Any, masks: Any) -> Any:
    """An optimizer's state with 0 where the masks, a tree like ``params``, are true.

    Moments, velocities and ages of single weights are trees like ``params`` within it; all else,
    such as the step of the schedule or what the parameters were at first, stays.
    """
    like = jax.tree.structure(params)

    def part(tree: Any) -> Any:
        if jax.tree.structure(tree) != like:
            return tree
        return jax.tree.map(lambda x, mask: jnp.where(mask, 0, x), tree, masks)

    return jax.tree.map(part, state, is_leaf=lambda x: jax.tree.structure(x) == like)


def held(config: RunConfig, epoch: Int[Array, ""]) -> Bool[Array, " layer"]:
    """Which hidden layers stand still in this epoch.

    The first ``freeze_layers`` do after ``freeze_after``: what comes after a layer that trains
    trains too.
    """
    return (jnp.arange(len(config.sizes)) < config.freeze_layers) & (epoch > config.freeze_after)


def frozen(updates: Any, config: RunConfig, epoch: Int[Array, ""]) -> Any:
    """Updates that leave the layers alone that stand still (:func:`held`)."""
    still = held(config, epoch)
    moves = jnp.where(still, 0.0, 1.0)

    def leaf(path: Any, update: Array) -> Array:
        where = names_of(path)
        if where[0] == "slopes":
            return jnp.where(still, 0.0, update)
        if where[0] not in ("hidden", "norms") or where[1] >= config.freeze_layers:
            return update
        own = moves[hidden_layers.numbers(config, where[1])]
        return update * own.reshape(own.shape + (1,) * (update.ndim - own.ndim))

    return jax.tree_util.tree_map_with_path(leaf, updates)
