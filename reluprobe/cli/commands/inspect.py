"""``reluprobe inspect``: which units of somebody else's network are dead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reluprobe.cli import console, gate, options
from reluprobe.errors import InputError, shown

if TYPE_CHECKING:
    from reluprobe.foreign.models.network import Network
    from reluprobe.inspection import Inspection

HELP = """Look into a network of yours: which of its units are dead on your data?

MODEL is an ONNX file, as PyTorch, Keras and TensorFlow export them, or pkg.mod:build, a function
that returns a JAX model, or a function and its parameters; or the .safetensors of a run of ours,
which without --data is looked at on its training set. Naming pkg.mod:build imports that
module, and so runs its code; an ONNX file runs none, and a pickle is never loaded.

With --checkpoints it takes a look for each of them and writes a record, for report to show when
units died. Ends with 0; 4: more units are dead than --max-dead allows; 2: bad input."""

Model = Annotated[
    str,
    typer.Argument(
        help="An ONNX file, pkg.mod:build, or saved weights.", show_default=False, metavar="MODEL"
    ),
]
Data = Annotated[
    options.Texts,
    options.repeatable(
        "--data",
        "Examples: a .npy or .npz file, or a folder of .npy; NAME=PATH for an input of that name.",
        "PATH",
        False,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="A .npy of a weight an example, or an example × position: 0 is not counted.",
        **options.AS_PATH,
    ),
]
DeviceBatch = Annotated[
    int | None,
    typer.Option(
        "--device-batch", help="Examples that go through the network at once.", metavar="INTEGER"
    ),
]
Box = Annotated[
    str | None,
    typer.Option(
        "--box",
        help="What every input lies between: certifies units that are dead for all of it.",
        metavar="LOW,HIGH",
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Show every layer, however many.")]
Checkpoints = Annotated[
    str | None,
    typer.Option(
        "--checkpoints",
        help="A look for each of these: .npz or .safetensors files, a step in their names.",
        metavar="PATTERN",
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="With --checkpoints: folder below --out. \\[the model's name]"),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="With --checkpoints: replace an earlier record.")
]


def command(
    model: Model,
    *,
    data: Data = None,
    weights: Weights = None,
    device_batch: DeviceBatch = None,
    box: Box = None,
    every: Every = False,
    max_dead: gate.MaxDead = None,
    as_json: options.Json = False,
    checkpoints: Checkpoints = None,
    out: options.Out = Path("results"),
    name: Name = None,
    fresh: Fresh = False,
) -> None:
    """Run it; the help is HELP."""
    most = gate.parse(max_dead)
    between = _parse_box(box)
    network, source = _opened(model, data)
    scales = None if weights is None else _read(weights)
    look = {"weights": scales, "device_batch": device_batch, "box": between}
    if checkpoints is not None:
        from reluprobe.cli import inspect_checkpoints

        request = inspect_checkpoints.Request(checkpoints, out, name, fresh)
        report = inspect_checkpoints.show(network, source, look, request, as_json)
    else:
        report = _looked(network, source, look)
        _show(report, every, as_json)
    if most is not None:
        gate.check(gate.of_looks(report), most)


def _opened(model: str, data: options.Texts) -> tuple[Network, Any]:
    """The network and the examples, before anything is computed."""
    path = Path(model).expanduser()
    if path.suffix == ".safetensors":
        return _own(path, data)
    if not data:
        raise InputError("no examples to look at", hint="--data images.npy")
    from reluprobe.foreign import stored  # brings JAX: not for those who ask for help
    from reluprobe.foreign.models import opening

    source = stored.inputs(data)
    if ":" in model and not path.exists() and path.suffix != ".onnx":
        return opening.built(model), source
    if path.suffix != ".onnx" and not path.is_file():
        allowed = "allowed is an ONNX file, pkg.mod:build, or a .safetensors of our own"
        raise InputError("cannot look into this", [f"got {shown(model)}; {allowed}"])
    return opening.as_network(path), source


def _own(path: Path, data: options.Texts) -> tuple[Network, Any]:
    """A network that reluprobe trained, and the examples: its training set, if none are given."""
    from reluprobe import data as datasets
    from reluprobe import inspection, pruning
    from reluprobe.config import phases
    from reluprobe.engine.saved_network import load_network
    from reluprobe.foreign import stored

    saved = load_network(path)
    network = inspection.own_network(saved)
    if data:
        return network, stored.inputs(data)
    stretch = phases.stretches(saved.config.phases, saved.config.epochs)[-1]
    dataset = datasets.load(datasets.key_of(saved.config, stretch.phase.dataset))
    pruning.check_data(saved, dataset)
    return network, dataset.train_inputs


def _looked(network: Network, source: Any, look: dict[str, Any]) -> Inspection:
    from reluprobe import inspection
    from reluprobe.foreign import pieces

    with _bar(pieces.count(source)) as seen:
        return inspection.look_into(network, source, seen=seen, **look)


@contextmanager
def _bar(total: int | None) -> Iterator[Any]:
    """A bar of examples on stderr."""
    with console.progress(total or 1) as bar:
        yield lambda examples: bar.update(
            bar.task_ids[0], completed=examples, description="examples"
        )


def _show(report: Inspection, every: bool, as_json: bool) -> None:
    if as_json:
        console.write(json.dumps(report.to_dict(), allow_nan=False) + "\n")
        return
    from reluprobe.report.terminal import inspection

    for part in inspection.parts(report, report.name, console.out.width, every):
        console.out.print(part)


def _read(path: Path) -> Any:
    from reluprobe.foreign import pieces

    return path if path.is_dir() else pieces.read_array(path)


def _parse_box(text: str | None) -> tuple[float, float] | None:
    """``0,1`` as two numbers.

    Raises:
        InputError: it is no such text.
    """
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        fault = f"--box {text}: allowed are two numbers, --box 0,1"
        raise InputError("cannot read --box", [fault]) from None
    return low, high
