"""What of a network was not counted, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reluprobe.foreign.facts import Linear
from reluprobe.foreign.naming import Names
from reluprobe.foreign.network import Measured, Network, levels
from reluprobe.records.network import Coverage, Place

#: As many layers as a note names.
_NAMED = 3


def all_linear(network: Network) -> list[Linear]:
    """The network's linear layers, those of its loops and branches too, once each."""
    flows = (level.flow for level in levels(network.level))
    return list(dict.fromkeys(layer for flow in flows for layer in flow.linear.values()))


def coverage(
    network: Network, names: Names, layers: Sequence[str], taken: Sequence[bool]
) -> Coverage:
    """What is not counted.

    Args:
        network: looked into.
        names: of its linear layers.
        layers: names of the sites that are counted.
        taken: whether any example came by each of them.
    """
    sites = (*network.measured, *network.outputs)
    followed = {layer for here in sites for layer in here.site.facts.linear}
    bare = [o for o in all_linear(network) if not o.lookup and o not in followed]
    opaque = dict.fromkeys(
        Place(operation.name, operation.where)
        for level in levels(network.level)
        for operation in level.flow.opaque
    )
    never = [
        Place(name, here.site.where)
        for here, name, was in zip(network.measured, layers, taken, strict=True)
        if not was
    ]
    return Coverage(
        outputs=tuple(_output(here, names) for here in network.outputs),
        bare=tuple(dict.fromkeys(Place(names.layer(o), o.operation.where) for o in bare)),
        opaque=tuple(opaque),
        never_taken=tuple(never),
        notes=tuple(_norms(network.measured, layers)),
    )


def _output(here: Measured, names: Names) -> Place:
    name = names.fed(here.site.facts.linear)
    return Place(f"{name}: {here.activation or 'f(z)'}", here.site.where)


def _norms(measured: Sequence[Measured], layers: Sequence[str]) -> Iterable[str]:
    """Whose mean and variance the batch norms used."""
    by_source: dict[str, list[str]] = {}
    for here, name in zip(measured, layers, strict=True):
        for source in sorted(here.site.facts.normalised):
            by_source.setdefault(source, []).append(name)
    for source, names in by_source.items():
        more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
        yield f"batch norm used {source}: {', '.join([*names[:_NAMED], *more])}"
