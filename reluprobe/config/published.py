"""A published record: what was run, how death was counted, and numbers or ranges of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from reluprobe.config import assignments
from reluprobe.config.choices import ACTIVATIONS
from reluprobe.config.claim_form import ALL, WrittenClaim
from reluprobe.config.field import FLOAT32_MAX, INT32_MAX, count_of
from reluprobe.config.run_config import RunConfig
from reluprobe.config.settings import (
    SETTINGS,
    Value,
    cleaned,
    faults_of,
    make_run,
    settings_of,
)
from reluprobe.errors import nearest

#: One number, or the least and the greatest of several: ``[94, 97]``.
Published = float | tuple[float, float]

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
#: Of a network that float32 holds; differences and squares of it are numbers still.
Loss = Annotated[float, Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]

#: What publications write where a setting has a name of its own.
SPOKEN: dict[tuple[str, Any], Value] = {("pixels", "[0,1]"): "unit"}
#: A number of examples: ``1000``, ``1,000``.
_COUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+")


def _form(written: Any) -> str:
    # So that what is wrong with one form is not told of the other too.
    return "range" if isinstance(written, list | tuple) else "value"


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise PydanticCustomError("upside_down", "a range is [least, greatest]")
    return ends


PublishedShare = Annotated[
    Annotated[Share, Tag("value")]
    | Annotated[tuple[Share, Share], AfterValidator(_rising), Tag("range")],
    Discriminator(_form),
]
PublishedPercent = Annotated[
    Annotated[Percent, Tag("value")]
    | Annotated[tuple[Percent, Percent], AfterValidator(_rising), Tag("range")],
    Discriminator(_form),
]


@dataclass(frozen=True)
class PublishedEpoch:
    """One epoch as published: ``layers`` in percent of units, first hidden layer to last."""

    epoch: Annotated[int, Field(ge=0, le=INT32_MAX)]
    layers: Annotated[tuple[PublishedPercent, ...], Field(min_length=1)]
    train_loss: Loss | None = None
    train_accuracy: PublishedShare | None = None
    test_loss: Loss | None = None
    test_accuracy: PublishedShare | None = None


def ends(published: Published) -> tuple[float, float]:
    """The least and the greatest; of one number that number twice."""
    return published if isinstance(published, tuple) else (published, published)


def between(low: float, high: float) -> Published:
    """One number where both ends are the same."""
    return low if low == high else (low, high)


@dataclass(frozen=True)
class Reference:
    """A published record.

    Attributes:
        name: what a sweep file calls it; a file's stem.
        protocol: what was run. Keys that are settings of reluprobe are compared with the runs.
        runs: by activation, ``relu``, or by the settings that tell them apart, ``lr=0.1``.
        definition: which definition of death ``layers`` count; the MNIST study's by default.
        claims: what is said of runs, decided by measures of them (``claim_form``).
        cite: what the source is called beside a claim of its own.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    source: str
    protocol: Mapping[str, Any]
    criterion: str
    runs: Annotated[
        Mapping[str, Annotated[tuple[PublishedEpoch, ...], Field(min_length=1)]],
        Field(default_factory=dict),
    ] = field(default_factory=dict)
    definition: str = "never_positive"
    claims: tuple[WrittenClaim, ...] = ()
    cite: str = ""
    name: str = field(default="")

    def choice(self, key: str) -> dict[str, Value]:
        """The settings by which runs are chosen for this key of ``runs``, and their values."""
        target = self.target(key)
        return {name: target[name] for name in self.named(key)[0]}

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key by which runs are chosen, of ``runs`` and of claims."""
        claimed = (key for claim in self.claims for key in claim.keys)
        return tuple(dict.fromkeys([*self.runs, *claimed]))

    def named(self, key: str) -> tuple[dict[str, Any], list[str]]:
        """The settings that a key names, and its faults; ``all`` names those of the protocol."""
        return (self.protocol_settings(), []) if key in ("", ALL) else named_by(key)

    def target(self, key: str) -> dict[str, Value]:
        """Every setting but the seed: the key's, the protocol's, and reluprobe's defaults.

        ``bias = "zeros"`` is ``bias_init = 0``, ``pixels = "[0,1]"`` is ``unit``, and the first
        number in ``probe`` is how many examples were probed. What cannot be put so is in
        :meth:`unchecked`.
        """
        target = settings_of(self._run(key))
        return {name: value for name, value in target.items() if name != "seed"}

    def layer_units(self, key: str) -> tuple[int, ...]:
        """Units of each hidden layer; none of somebody's own network."""
        return self._run(key).sizes

    def _run(self, key: str) -> RunConfig:
        return make_run(self.protocol_settings() | self.named(key)[0])

    def protocol_settings(self) -> dict[str, Any]:
        """What the protocol says of settings, as settings have it."""
        given = {k: _meant(k, v) for k, v in self.protocol.items() if k in SETTINGS}
        if self.protocol.get("bias") == "zeros":
            given["bias_init"] = 0.0
        probed = _COUNT.search(str(self.protocol.get("probe", "")))
        if probed:
            given["probe_examples"] = count_of(probed[0].replace(",", ""))
        return given

    def unchecked(self) -> list[str]:
        """The keys of the protocol that no setting stands for: nobody compares these."""
        known = {*SETTINGS, "probe", *(["bias"] if self.protocol.get("bias") == "zeros" else [])}
        return [key for key in self.protocol if key not in known]


def _meant(key: str, value: Any) -> Any:
    return SPOKEN.get((key, value), value) if isinstance(value, str) else value


def named_by(key: str) -> tuple[dict[str, Any], list[str]]:
    """The settings of a key of ``runs``, ``relu`` or ``lr=0.1,act=relu``, and its faults."""
    if "=" not in key:
        known = key in ACTIVATIONS
        allowed = f"no such activation{nearest(key, ACTIVATIONS)}; settings are SETTING=VALUE"
        return {"activation": key}, [] if known else [allowed]
    texts, faults = assignments.parse([key])
    given = {name: assignments.value_of(name, text) for name, text in texts.items()}
    faults += faults_of(given)
    if "seed" in given:
        faults.append("a published seed is none of ours: no run is chosen by it")
    return ({} if faults else cleaned(given)), faults
