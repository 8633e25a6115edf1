"""What charts are made of: their rows, their scales and their marks."""

from __future__ import annotations

import json

import pytest

from reluprobe.config import SETTINGS, labels
from reluprobe.report import figures


def draw(archive, name, **how):
    """One figure of a sweep."""
    (drawn,) = figures.drawn(archive, only=[name], **how)
    return drawn


def rows(drawn, *fields, **values):
    """The rows of a figure that have these fields, and these values; settings by their names."""
    fields = [_field(name) for name in fields]
    values = {_field(name): value for name, value in values.items()}
    every = [row for some in drawn.spec["datasets"].values() for row in some]
    return [
        row for row in every
        if all(name in row for name in (*fields, *values))
        and all(row[name] == value for name, value in values.items())
    ]  # fmt: skip


def _field(name):
    return labels.field(name) if name in SETTINGS else name


def each(part, key):
    """Every value of this key, wherever it stands in a chart."""
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from each(inner, key)


def channels(drawn, name):
    """The encodings of this name: ``x``, ``color``, ``text``."""
    return [how for how in each(drawn.spec, name) if isinstance(how, dict)]


def has(drawn, text):
    """Whether a text stands in a chart."""
    return text in json.dumps(drawn.spec, ensure_ascii=False)


def percent(share):
    """A share as charts have it, to the digits that they keep."""
    return pytest.approx(100 * share, rel=1e-4, abs=1e-9)
