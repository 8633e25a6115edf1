"""JSON Schema of a sweep file, for editors: what the checks refuse, where a schema can say so.

Draft 4, the one that TOML editors take: a bound is left out by ``exclusiveMinimum = true`` beside
``minimum``, and nothing stands beside a ``$ref``. What a schema cannot say, the checks say still:
axes that must be equally long, a range that misses whole numbers, settings that do not mix.
"""

from __future__ import annotations

from typing import Any

from reluprobe.config import choices, own_data, phases, reference, sweep_keys, sweep_name
from reluprobe.config.axes import MOST_VALUES
from reluprobe.config.field import FLOAT32_MAX, INT32_MAX, Form, Setting
from reluprobe.config.settings import SETTINGS, SHORT_NAMES
from reluprobe.config.widths import MOST_LAYERS, WIDEST

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-04/schema#"
_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}
_NUMBER = r"[-+.\d_eE]+"


def sweep_schema() -> Schema:
    """The schema of a whole sweep file."""
    names = {name: name for name in SETTINGS} | SHORT_NAMES
    settings = {name: _ref(full) for name, full in names.items()}
    axes = _table({name: _ref(_axis_name(full)) for name, full in names.items()})
    tables = {
        "name": _text(sweep_name.pattern()),
        "reference": {"anyOf": [{"enum": [*reference.SHIPPED]}, _text(r".*\.json")]},
        "save_activations": {"type": "boolean", "default": False},
        "save_weights": {"enum": [*choices.SAVE_WEIGHTS]},
        "seeds": {"anyOf": [_integer(1, sweep_keys.MOST_SEEDS), _axis_list("seed")]},
        "order": {"enum": [*choices.ORDERS], "default": "seeds"},
        "order_seed": _integer(0, INT32_MAX) | {"default": 0},
        "base": _table(settings),
        "data_sha256": {"type": "object", "additionalProperties": _text(own_data.SHA256.pattern)},
        "grid": axes,
        "zip": _blocks(axes | {"minProperties": 1}),
        "phase": _blocks(_table(_phase())),
        "include": _blocks(_table(settings) | {"minProperties": 1}),
        "exclude": _blocks(_table(settings) | {"minProperties": 1}),
    }
    described = {
        key: {"description": k.meaning} | tables[key] for key, k in sweep_keys.KEYS.items()
    }
    values = {name: _described(s) | _value(s) for name, s in SETTINGS.items()}
    lists = {
        _axis_name(name): _described(s) | {"default": [s.default]} | _axis(s)
        for name, s in SETTINGS.items()
    }
    head = {"$schema": DRAFT, "title": "A sweep of reluprobe"}
    return head | _table(described) | {"definitions": values | lists}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _axis_name(name: str) -> str:
    return f"{name}_axis"


def _described(setting: Setting) -> Schema:
    return {
        "description": f"{setting.help} {setting.condition}".strip(),
        "default": setting.default,
    }


def _value(setting: Setting) -> Schema:
    """What one value of a setting may be."""
    if setting.name == "activation":
        having = "|".join(choices.PARAMETERS)
        return _either(
            {"enum": [*setting.choices]}, _text(rf"\s*({having})\s*\(\s*{_NUMBER}\s*\)\s*")
        )
    if setting.choices:
        return {"enum": [*setting.choices]}
    if setting.form:
        kinds = _text_or_list(setting.form)
        return _either(*kinds) if kinds[1:] else kinds[0]
    kinds: list[Schema] = [{"type": _TYPES[setting.type]} | _bounds(setting)]
    if setting.words:
        kinds.append({"enum": [*setting.words]})
    if setting.text:
        kinds += _text_or_list(setting.text)
    return _either(*kinds) if kinds[1:] else kinds[0]


def _text_or_list(form: Form) -> list[Schema]:
    text = _text(form.pattern)
    if not form.listed:
        return [text]
    widths = {"items": _integer(1, WIDEST), "maxItems": MOST_LAYERS}
    return [text, {"type": "array", "minItems": 1} | widths]


def _axis(setting: Setting) -> Schema:
    """What an axis of a setting may be: a list, or for numbers a range."""
    listed = _axis_list(setting.name)
    if setting.type not in (int, float):
        return listed
    end = {"type": "number"} | _bounds(setting)
    return _either(listed, _range("linear", end), _range("log", _positive(end)))


def _axis_list(name: str) -> Schema:
    return _list(_ref(name)) | {"maxItems": MOST_VALUES}


def _range(kind: str, end: Schema) -> Schema:
    ends = {"type": "array", "items": end, "minItems": 2, "maxItems": 2}
    keys = {kind: ends, "num": _integer(2, MOST_VALUES)}
    return _table(keys) | {"required": [kind, "num"]}


def _positive(end: Schema) -> Schema:
    return end if end.get("minimum", -1) > 0 else end | {"minimum": 0, "exclusiveMinimum": True}


def _bounds(setting: Setting) -> Schema:
    if setting.type not in (int, float):
        return {}
    gt, ge, lt, le = setting.bounds
    bounds: Schema = (
        {"minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX} if setting.type is float else {}
    )
    for key, strict, within in (("minimum", gt, ge), ("maximum", lt, le)):
        if within is not None or strict is not None:
            bounds[key] = strict if within is None else within
        if strict is not None:
            bounds[f"exclusive{key.capitalize()}"] = True
    return bounds


def _phase() -> Schema:
    kinds: Schema = {
        "dataset": _text(phases.DATASET) | {"not": {"enum": [phases.NONE, *choices.TASKS]}},
        "task": {"enum": [*choices.TASKS]},
        "epochs": _integer(1, INT32_MAX),
        "repeat": _integer(1, phases.MOST),
    }
    return {key: {"description": k.meaning} | kinds[key] for key, k in phases.KEYS.items()}


def _table(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _blocks(table: Schema) -> Schema:
    return {"type": "array", "items": table}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _either(*kinds: Schema) -> Schema:
    return {"anyOf": [*kinds]}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$"}


def _integer(least: int, most: int | None = None) -> Schema:
    return {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})
