"""Published numbers as a reference has them: one, or the range of several publications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from reluprobe.config.field import FLOAT32_MAX, INT32_MAX

#: One number, or the least and the greatest of several: ``[94, 97]``.
Published = float | tuple[float, float]

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
#: Of a network that float32 holds; differences and squares of it are numbers still.
Loss = Annotated[float, Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]


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
