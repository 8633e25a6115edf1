"""Documents: TOML and JSON texts as plain values; one that cannot be read is a ValueError."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from typing import Any


def from_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text. A byte-order mark, as Windows writes it, is no part of it.

    Raises:
        ValueError: it cannot be read; the message says why in a few words.
    """
    plain = text.removeprefix("\ufeff")
    return _read(lambda: tomllib.loads(plain), tomllib.TOMLDecodeError)


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it cannot be read; the message says why in a few words.
    """
    return _read(lambda: json.loads(text), json.JSONDecodeError, UnicodeDecodeError)


def _read(parse: Callable[[], Any], *own: type[ValueError]) -> Any:
    try:
        return parse()
    except own:  # these say where
        raise
    except ValueError:  # Python's limit, in words about its own settings
        most = sys.get_int_max_str_digits()
        raise ValueError(f"an integer has more than {most:,} digits") from None
    except RecursionError:
        raise ValueError("lists or tables are nested too deeply") from None
