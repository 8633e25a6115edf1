"""Keys of a sweep file: what each means, and of what type it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reluprobe.config.choices import ORDERS, SAVE_WEIGHTS, Order, SaveWeights
from reluprobe.config.field import INT32_MAX, Key
from reluprobe.config.own_data import SHA256
from reluprobe.config.reference import SHIPPED
from reluprobe.config.settings import SETTINGS, full_name, unknown
from reluprobe.config.sweep_name import fault_of_name
from reluprobe.errors import nearest, shown

#: More seeds than this are taken for a slip of the pen.
MOST_SEEDS = 100_000

_ALLOWED = {
    "name": "allowed is a text",
    "save_activations": "allowed is true or false",
    "save_weights": f"allowed is one of {', '.join(SAVE_WEIGHTS)}",
    "order": f"allowed is one of {', '.join(ORDERS)}",
    "order_seed": f"allowed is an integer >= 0 and <= {INT32_MAX}",
    "seeds": f"allowed is a count from 1 to {MOST_SEEDS}, or a list of seeds",
}


def _folder_name(name: str) -> str:
    if fault := fault_of_name(name):
        raise ValueError(fault)
    return name


Seeds = Annotated[int, Field(ge=1, le=MOST_SEEDS)] | Annotated[list[Any], Field(min_length=1)]
Table = dict[str, Any]


class SweepFile(BaseModel):
    """A sweep file as written; what stands in its tables is for later checks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[
        str,
        AfterValidator(_folder_name),
        Key(
            "text",
            "the file's name",
            "The folder below results that the records go to: begins with a letter, a digit or _, "
            "and can be a folder on Linux, macOS and Windows alike.",
        ),
    ] = "sweep"
    reference: Annotated[
        Any,
        Key(
            "text",
            "none",
            "A published record that report holds the runs against: a shipped one's name "
            f"({', '.join(SHIPPED)}), or the path of a .json file of its form.",
        ),
    ] = None
    save_activations: Annotated[
        bool,
        Key(
            "true or false",
            "false",
            "Whether all runs keep the outputs of their hidden units on the first 200 images of "
            "the probe, in runs/<id>.npz, for report to draw; else the first seed of six "
            "configurations does. It is no setting: a run's id and its record are the same.",
        ),
    ] = False
    save_weights: Annotated[
        SaveWeights | None,
        Key(
            "end or every",
            "none",
            "Whether all runs keep their weights, in runs/<id>.safetensors: at their ends, or "
            "after every epoch too, in runs/<id>-e0.safetensors and so on. No setting either.",
        ),
    ] = None
    seeds: Annotated[
        Seeds | None,
        Key(
            "integer, or list of integers",
            "the one seed of [base]",
            "Every configuration is run once with each; a count n is 0 to n − 1.",
        ),
    ] = None
    order: Annotated[
        Order,
        Key(
            "seeds, grid or random",
            "seeds",
            "In which order runs are trained; no result, id or table depends on it. seeds: the "
            "first seed of every configuration before the second of any, so that a report on an "
            "unfinished sweep shows the whole grid. grid: program by program, all seeds of each. "
            "random: shuffled.",
        ),
    ] = "seeds"
    order_seed: Annotated[
        int,
        Field(ge=0, le=INT32_MAX),
        Key("integer >= 0", "0", "Seed of the order random."),
    ] = 0
    base: Annotated[Table, Key("table of settings", "their defaults", "What all runs share.")] = {}
    data_sha256: Annotated[
        dict[str, Annotated[str, Field(pattern=f"^({SHA256.pattern})$")]],
        Key(
            "table of texts",
            "taken from the files",
            "SHA-256 of each dataset that is a file, by its path: reluprobe writes it into the "
            "sweep.toml beside its results. Another file is refused.",
        ),
    ] = {}
    grid: Annotated[
        Table, Key("table of axes", "none", "Every combination of the axes' values is run.")
    ] = {}
    zip: Annotated[
        list[Table],
        Key(
            "tables of axes",
            "none",
            "Axes that move together, all of one length; further blocks multiply.",
        ),
    ] = []
    phase: Annotated[
        list[Table],
        Key("tables", "none", "New data after the first, a block for each phase."),
    ] = []
    include: Annotated[
        list[Table],
        Key("tables of settings", "none", "One more configuration: these over [base]."),
    ] = []
    exclude: Annotated[
        list[Table],
        Key("tables of settings", "none", "Leaves out every run that matches all of a block's."),
    ] = []


#: What a sweep file may hold.
KEYS: dict[str, Key] = {
    name: next(part for part in field.metadata if isinstance(part, Key))
    for name, field in SweepFile.model_fields.items()
}


def read_shape(written: Mapping[str, Any], faults: list[str]) -> SweepFile:
    """The keys of a sweep file; each that is not of its type is a fault, and has its default."""
    try:
        return SweepFile.model_validate(dict(written))
    except ValidationError as error:
        wrong = {str(fault["loc"][0]): fault for fault in error.errors()}
    faults += [_fault_text(key, written[key], fault) for key, fault in wrong.items()]
    return SweepFile.model_validate({k: v for k, v in written.items() if k not in wrong})


def _fault_text(key: str, value: Any, fault: Any) -> str:
    if key not in KEYS:
        moved = f"; settings go under [base], as {key} = …" if full_name(key) in SETTINGS else ""
        return unknown(key, KEYS).replace("setting", "key") + moved
    if KEYS[key].kind.startswith("tables"):
        return f"[[{key}]]: got {shown(value)}; write [[{key}]] with double brackets"
    if key == "data_sha256":
        return f'[{key}]: got {shown(value)}; allowed is "path" = {SHA256.allowed}'
    if KEYS[key].kind.startswith("table"):
        return f"[{key}]: got {shown(value)}; allowed is a table of settings"
    own = fault["ctx"]["error"] if fault["type"] == "value_error" else None
    close = nearest(value, {"order": ORDERS, "save_weights": SAVE_WEIGHTS}.get(key, ()))
    return f"{key}: got {shown(value)}; {own or _ALLOWED[key]}{close}"
