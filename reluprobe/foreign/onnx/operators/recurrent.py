"""Recurrent layers: a scan over time, with the weights of every step the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from reluprobe.foreign.onnx.operators.registry import Node, Tensor, operator

Step = Callable[[Any, Tensor], tuple[Any, Tensor]]
_ATTRIBUTES = "activation_alpha activation_beta activations clip direction hidden_size"
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softsign": lambda x: x / (1 + jnp.abs(x)),
    "softplus": jax.nn.softplus,
}


def _functions(node: Node, usual: Sequence[str]) -> list[list[Callable[[Any], Any]]]:
    """The activations of each direction."""
    if node.get("clip") or node.get("activation_alpha") or node.get("activation_beta"):
        raise node.refusal("clip, activation_alpha and activation_beta are not known")
    directions = 2 if node["direction"] == "bidirectional" else 1
    # The standard's default for RNN names one for each of two directions, whatever there are.
    names = (node.get("activations") or [*usual] * directions)[: directions * len(usual)]
    unknown = [name for name in names if name.lower() not in _FUNCTIONS]
    if unknown or len(names) != directions * len(usual):
        raise node.refusal(f"activations {names}; known: {', '.join(_FUNCTIONS)}")
    chosen = [_FUNCTIONS[name.lower()] for name in names]
    return [chosen[: len(usual)], chosen[len(usual) :]][:directions]


def _parts(x: Tensor, count: int) -> list[Tensor]:
    """Weights of the gates, which are stacked along the first axis."""
    return list(jnp.split(jnp.asarray(x), count))


def _run(
    node: Node,
    tensors: Sequence[Tensor | None],
    gates: int,
    states: Sequence[Tensor | None],
    make_step: Callable[..., Step],
    usual: Sequence[str],
) -> tuple[Tensor, ...]:
    """Every direction over time: all outputs, and the last of each state.

    Axes are (time, example, feature), and (direction, example, unit) for a state; with ``layout``
    1, examples come first everywhere.
    """
    x, weight, recurrent, bias, lengths = tensors
    if lengths is not None:
        raise node.refusal("sequence_lens, examples of different lengths, is not known")
    assert x is not None and weight is not None and recurrent is not None
    batch_first = bool(node.get("layout", 0))
    x = x.swapaxes(0, 1) if batch_first else x
    outputs, finals = [], []
    for direction, functions in enumerate(_functions(node, usual)):
        size = recurrent.shape[-1]
        biases = (
            jnp.zeros(2 * gates * size, x.dtype) if bias is None else jnp.asarray(bias[direction])
        )
        start = tuple(
            jnp.zeros((x.shape[1], size), x.dtype)
            if state is None
            else jnp.asarray(state[:, direction] if batch_first else state[direction])
            for state in states
        )
        step = make_step(
            functions, jnp.asarray(weight[direction]), jnp.asarray(recurrent[direction]), biases
        )
        backwards = node["direction"] == "reverse" or direction == 1
        final, steps = lax.scan(step, start, jnp.asarray(x), reverse=backwards)
        outputs.append(steps)
        finals.append(final)
    whole = jnp.stack(outputs, 1)
    last = [jnp.stack(state, 1 if batch_first else 0) for state in zip(*finals, strict=True)]
    return (whole.transpose(2, 0, 1, 3) if batch_first else whole, *last)


def _rnn_step(functions: Any, weight: Tensor, recurrent: Tensor, bias: Tensor) -> Step:
    (activate,) = functions
    both = sum(_parts(bias, 2))

    def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        (hidden,) = carry
        hidden = activate(x @ weight.T + hidden @ recurrent.T + both)
        return (hidden,), hidden

    return step


@operator("RNN", (7,), _ATTRIBUTES)
@operator("RNN", (14, 22), _ATTRIBUTES + " layout")
def _rnn(
    node: Node,
    x: Tensor,
    weight: Tensor,
    recurrent: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """h = f(x Wᵀ + h Rᵀ + b)."""
    return _run(node, (x, weight, recurrent, bias, lengths), 1, (hidden,), _rnn_step, ["Tanh"])


def _lstm_step(functions: Any, weight: Tensor, recurrent: Tensor, bias: Tensor) -> Step:
    gate_of, candidate_of, output_of = functions
    both = sum(_parts(bias, 2))

    def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        hidden, cell = carry
        z = x @ weight.T + hidden @ recurrent.T + both
        come_in, go_out, forget, candidate = jnp.split(z, 4, -1)
        cell = gate_of(forget) * cell + gate_of(come_in) * candidate_of(candidate)
        hidden = gate_of(go_out) * output_of(cell)
        return (hidden, cell), hidden

    return step


@operator("LSTM", (7,), _ATTRIBUTES + " input_forget")
@operator("LSTM", (14, 22), _ATTRIBUTES + " input_forget layout")
def _lstm(
    node: Node,
    x: Tensor,
    weight: Tensor,
    recurrent: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
    cell: Tensor | None = None,
    peepholes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Gates in the order input, output, forget, candidate."""
    if node.get("input_forget") or peepholes is not None:
        raise node.refusal("peepholes and input_forget are not known")
    tensors = (x, weight, recurrent, bias, lengths)
    return _run(node, tensors, 4, (hidden, cell), _lstm_step, ["Sigmoid", "Tanh", "Tanh"])


def _gru_step(reset_after: bool) -> Callable[..., Step]:
    def make(functions: Any, weight: Tensor, recurrent: Tensor, bias: Tensor) -> Step:
        gate_of, candidate_of = functions
        inner, outer = _parts(bias, 2)
        gates_r, candidate_r = jnp.split(recurrent, [2 * recurrent.shape[1]])
        gates_b, candidate_b = jnp.split(outer, [2 * recurrent.shape[1]])

        def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
            (hidden,) = carry
            from_input = x @ weight.T + inner
            update, reset, candidate = jnp.split(from_input, 3, -1)
            recurrent_gates = jnp.split(hidden @ gates_r.T + gates_b, 2, -1)
            update, reset = (
                gate_of(one + other)
                for one, other in zip((update, reset), recurrent_gates, strict=True)
            )
            if reset_after:
                candidate = candidate + reset * (hidden @ candidate_r.T + candidate_b)
            else:
                candidate = candidate + (reset * hidden) @ candidate_r.T + candidate_b
            hidden = (1 - update) * candidate_of(candidate) + update * hidden
            return (hidden,), hidden

        return step

    return make


@operator("GRU", (7,), _ATTRIBUTES + " linear_before_reset")
@operator("GRU", (14, 22), _ATTRIBUTES + " layout linear_before_reset")
def _gru(
    node: Node,
    x: Tensor,
    weight: Tensor,
    recurrent: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Gates in the order update, reset, candidate; PyTorch resets after the product."""
    tensors = (x, weight, recurrent, bias, lengths)
    make_step = _gru_step(bool(node["linear_before_reset"]))
    return _run(node, tensors, 3, (hidden,), make_step, ["Sigmoid", "Tanh"])
