"""A network built by its owner's function, from settings of which it is known which it read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flax import nnx

from reluprobe.config import SETTINGS, RunConfig, own_network, widths
from reluprobe.config.run_config import BUILDING
from reluprobe.errors import InputError, ReluprobeError, nearest, shown
from reluprobe.foreign.models import opening
from reluprobe.foreign.models.network import raised


class BuildSettings(Mapping[str, Any]):
    """The settings that a network is built of: ours, and its own.

    Attributes:
        read: the names of those that were asked for.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        if name not in self._values:
            raise KeyError(f"no setting {name!r}{nearest(name, self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self.read |= {*self._values}
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def build(config: RunConfig, shape: tuple[int, ...], outputs: int, rngs: nnx.Rngs) -> nnx.Module:
    """The module that ``build(settings, rngs)`` returns.

    Args:
        config: ``network`` names the function; the settings about a network and its activation are
            handed to it, beside its own; widths that are listed as a tuple.
        shape: of one example, ``settings["input_shape"]``.
        outputs: how many are due, ``settings["outputs"]``.
        rngs: what weights are drawn with.

    Raises:
        InputError: there is no such function, it raised, returned something else, or never read a
            setting that is given: what it says would have no effect.
    """
    own = own_network.parse(config.network_settings)
    ours = {name: getattr(config, name) for name in BUILDING}
    follows = ("depth",) if isinstance(config.width, str) else ()
    if follows:
        ours["width"] = widths.parse(str(config.width))
    settings = BuildSettings({**ours, **own, "input_shape": shape, "outputs": outputs})
    function = opening.function(config.network)
    try:
        model = function(settings, rngs)
    except ReluprobeError:
        raise
    except Exception as error:  # somebody else's code may raise anything
        raise raised(f"{config.network} raised", error) from error
    if not isinstance(model, nnx.Module):
        fault = f"it returned {shown(model)}; allowed is a Flax NNX module"
        raise InputError(f"cannot train {config.network}", [fault])
    changed = [name for name, value in ours.items() if value != SETTINGS[name].default]
    given = [*own, *(name for name in changed if name not in follows)]
    if unread := [name for name in given if name not in settings.read]:
        faults = [
            f"{name} = {shown(own.get(name, ours.get(name)))}: it never reads "
            f'settings["{name}"]{nearest(name, settings.read)}'
            for name in unread
        ]
        raise InputError(f"settings without an effect in {config.network}", faults)
    return model
