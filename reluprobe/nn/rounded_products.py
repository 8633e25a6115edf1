"""Products of factors rounded to bfloat16: a computation rewritten, its gradient's products too.

bfloat16 keeps 7 of the 23 bits of a float32's fraction, and all of its range. What a product is
given is rounded to it, to the nearest, ties to even; its terms are then exact in float32, and they
are added up and given out in float32. Nothing else of the computation changes. JAX's own
``default_matmul_precision("bfloat16")`` says how a GPU or a TPU may compute, and nothing on a CPU.

The derivative of a rounded product would round its output and not its other factor, so it is the
gradient's program that is rewritten and not the function that it is of: forward, to the weights and
to the inputs, each product has both of its factors rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import eval_jaxpr
from jax.extend import core
from jaxtyping import Array

#: What products are computed with that cannot be rewritten: kernels that are not seen into, and
#: products of factors that are laid out in other ways.
OPAQUE = frozenset(
    {
        *("pallas_call", "ffi_call", "custom_call", "tpu_custom_call", "rnn_fwd", "rnn_bwd"),
        *("ragged_dot_general", "scaled_dot", "scaled_matmul", "scaled_matmul_wrapper"),
        *("bcoo_dot_general", "bcoo_spdot_general", "bcsr_dot_general"),
        *("dot_product_attention_fwd_wrapper", "dot_product_attention_bwd_wrapper"),
        *("dot_product_attention_fp8_fwd_wrapper", "dot_product_attention_fp8_bwd_wrapper"),
    }
)


def with_rounded_products(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` with the factors of all its float32 products rounded to bfloat16.

    Products are JAX's ``dot_general`` and ``conv_general_dilated``, also within loops, branches and
    calls. To differentiate first and rewrite then is what rounds a gradient's products as well.
    """

    def rewritten(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(f, return_shape=True)(*args)
        outputs = _evaluated(closed.jaxpr, closed.consts, *jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), outputs)

    return rewritten


def opaque_products(f: Callable[..., Any], *args: Any) -> list[str]:
    """The names of what ``f`` of such arguments is computed with that cannot be rewritten."""
    names = {equation.primitive.name for equation in _everything(jax.make_jaxpr(f)(*args).jaxpr)}
    return sorted(names & OPAQUE)


def _evaluated(jaxpr: Any, consts: Sequence[Any], *arguments: Array) -> list[Array]:
    """The outputs of a program, its products rounded."""
    values = dict(zip(jaxpr.constvars, consts, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        product = PRODUCTS.get(equation.primitive.name)
        if product is not None and all(x.dtype == jnp.float32 for x in given):
            outputs = [product(*given, **equation.params)]
        else:
            outputs = _as_it_is(equation, given)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _as_it_is(equation: Any, given: Sequence[Any]) -> list[Array]:
    """What another operation gives out; the programs that it runs have their products rounded."""
    if any(e.primitive.name in PRODUCTS for part in _parts(equation) for e in _everything(part)):
        params = jax.tree.map(_rewritten, equation.params, is_leaf=_is_program)
        equation = equation.replace(params=params)
    variables = {
        atom: value
        for atom, value in zip(equation.invars, given, strict=True)
        if not isinstance(atom, core.Literal)
    }
    names = core.DebugInfo("equation", equation.primitive.name, None, None)
    alone = core.Jaxpr((), [*variables], equation.outvars, [equation], equation.effects, names)
    return eval_jaxpr(alone, (), *variables.values())


def _rewritten(part: Any) -> Any:
    if not _is_program(part):
        return part
    closed = part if isinstance(part, core.ClosedJaxpr) else core.ClosedJaxpr(part, ())
    made = jax.make_jaxpr(partial(_evaluated, closed.jaxpr, closed.consts))(*closed.in_avals)
    return made if isinstance(part, core.ClosedJaxpr) else made.jaxpr


def _is_program(part: Any) -> bool:
    return isinstance(part, core.ClosedJaxpr | core.Jaxpr)


def _parts(equation: Any) -> Iterator[Any]:
    """The programs that an operation runs."""
    for part in jax.tree.leaves(equation.params, is_leaf=_is_program):
        if _is_program(part):
            yield part.jaxpr if isinstance(part, core.ClosedJaxpr) else part


def _everything(jaxpr: Any) -> Iterator[Any]:
    """All operations, those of loops, branches and calls too."""
    for equation in jaxpr.eqns:
        yield equation
        for part in _parts(equation):
            yield from _everything(part)


def _rounded(x: Array) -> Array:
    # Not only a cast: XLA may leave out a cast to bfloat16 and back, and nothing would be rounded.
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)


def _dot(left: Array, right: Array, **params: Any) -> Array:
    left, right = _rounded(left), _rounded(right)
    # On a CPU products of float32 numbers that are rounded: the same, as bfloat16's terms are exact
    # in float32. XLA has products of bfloat16 for some shapes there and ends the run at others (a
    # convolution's patches). Where it has them they are faster: forward and backward through a
    # layer of 256, batch 128, took one core with AMX 0.27 ms, and 0.41 so; not rounded 0.39.
    if jax.default_backend() == "cpu":
        return jax.lax.dot_general_p.bind(left, right, **params)
    factors = (x.astype(jnp.bfloat16) for x in (left, right))
    default = (jax.lax.Precision.DEFAULT,) * 2
    kind = {"precision": default, "preferred_element_type": jnp.dtype(jnp.float32)}
    return jax.lax.dot_general_p.bind(*factors, **params | kind)


def _conv(left: Array, right: Array, **params: Any) -> Array:
    # TF32 holds bfloat16 exactly; not every library of a GPU convolves bfloat16 to float32.
    high = (jax.lax.Precision.HIGH,) * 2
    params |= {"precision": high}
    return jax.lax.conv_general_dilated_p.bind(_rounded(left), _rounded(right), **params)


#: How each kind of product is computed, by its primitive's name.
PRODUCTS: dict[str, Callable[..., Array]] = {"dot_general": _dot, "conv_general_dilated": _conv}
