"""The library: what the commands do, each in one call.

::

    import reluprobe as rp

    run = rp.train(activation="relu", learning_rate=5e-3, epochs=3)
    results = rp.sweep("grid.toml")

No call prints, exits, or changes the state of the process: devices, umask, garbage collector and
JAX's configuration stay as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reluprobe.config import (
    SETTINGS,
    SweepConfig,
    arguments,
    documents,
    make_born_dead,
    parse_sweep,
    read_sweep,
)
from reluprobe.config.choices import SaveWeights
from reluprobe.errors import InputError
from reluprobe.files import check_writable
from reluprobe.plan import order
from reluprobe.plan.digests import with_digest, with_digests
from reluprobe.plan.runs import Run, checked_run, expand, without_letter
from reluprobe.records.folder import Archive, open_all
from reluprobe.records.ownership import Claim, Way

if TYPE_CHECKING:
    from reluprobe.born.result import Result
    from reluprobe.engine.events import Event
    from reluprobe.records import RunRecord
    from reluprobe.results import Results

#: True draws a bar on stderr; a function gets every event (``reluprobe.engine.events``).
Progress = bool | Callable[["Event"], None] | None
Source = str | PathLike[str] | Mapping[str, Any]
RETRAIN_HINT = "another name or out"
OTHER_PLAN_HINT = (
    'if_other_plan="extend" (keeps those runs and adds these) or "fresh" (moves them to {aside}); '
    "or another name or out"
)
UNREAD_HINT = (
    'mend that; if_other_plan="fresh" (moves all of it to {aside}); or another name or out'
)


def train(
    *,
    out: str | PathLike[str] | None = None,
    name: str | None = None,
    save_activations: bool = False,
    save_weights: SaveWeights | None = None,
    compile_cache: bool = True,
    manual_dir: str | PathLike[str] | None = None,
    progress: Progress = None,
    **settings: Any,
) -> RunRecord:
    """Train one network and probe its units after every epoch.

    Args:
        out: a folder for results: the record is written to ``out/<name>/runs/<id>.json``, and an
            earlier one of the same run is replaced. A run that was stopped before its end goes on
            from where it was last saved. None: nothing is written.
        name: the folder below ``out``; ``train-<id>`` if None.
        save_activations: keep what hidden units give out on 200 images beside the record.
        save_weights: ``"end"``: keep the trained weights beside the record, for
            :func:`load_network`; ``"every"``: those after every epoch too.
        compile_cache: read compiled programs and keep them, where RELUPROBE_COMPILE_CACHE says or
            in the user's cache folder. No result hangs on it.
        manual_dir: a folder with dataset files that are already on disk.
        progress: True for a bar on stderr, or a function that gets every event.
        **settings: any setting of a run by its name, ``activation="relu"``,
            ``learning_rate=5e-3``, or a short one, ``lr=5e-3``; the others
            have their defaults, the MNIST study's.

    Returns:
        The record, ``history[0]`` being the network before the first step. Fractions are in
        [0, 1]; None where a measure does not apply. Its ``status`` is ``ok``, ``diverged`` or
        ``failed``.

    Raises:
        InputError: settings that are unknown, out of bounds, idle, or do not mix; all are listed.
        DatasetError: a dataset cannot be had.
        ReluprobeError: the folder is in use or cannot be written.

    Examples:
        >>> import reluprobe as rp
        >>> run = rp.train(dataset="blobs", epochs=1)
        >>> run.history[-1].layers[0].dead
        0.0
    """
    given, follow = arguments.settings(settings), arguments.progress(progress)
    checked_run(given)  # before a file is looked for
    given = with_digest(given)
    run = checked_run(given)
    if out is None:
        if name is not None or save_activations or save_weights:
            raise InputError("name, save_activations and save_weights need a folder", hint="out=")
        from reluprobe.executor import session

        return session.in_memory([run], _path(manual_dir), None, follow, compile_cache)[0]
    keep = {"save_activations": save_activations, "save_weights": save_weights}
    claim = train_claim(run, given, arguments.path("out", out), name, keep)
    record = train_claimed(claim, _path(manual_dir), progress=follow, compile_cache=compile_cache)
    assert record is not None  # nobody has asked it to stop
    return record


def train_claim(
    run: Run,
    settings: Mapping[str, Any],
    out: Path,
    name: str | None,
    keep: Mapping[str, Any],
    *,
    where: str = "the call",
    hint: str = RETRAIN_HINT,
) -> Claim:
    """One run as a sweep of one: a folder of its own below ``out``.

    ``keep``: what lies beside its record, by the keys of a sweep file.
    """
    written = {"name": _own_name(run, out) if name is None else name, "base": dict(settings)}
    written |= {key: value for key, value in keep.items() if value is not None}
    sweep = parse_sweep(written, where=where)
    return Claim(out / sweep.name, sweep, [run], hint=hint, unread_hint=hint)


def _own_name(run: Run, out: Path) -> str:
    """The folder of a run alone; the one that an older reluprobe made for it, where that is."""
    before = f"train-{without_letter(run.id)}"
    return before if (out / before).is_dir() else f"train-{run.id}"


def train_claimed(
    claim: Claim,
    manual_dir: Path | None,
    *,
    opened: Callable[[], None] = lambda: None,
    progress: bool | Callable[[Event], None] = False,
    stop: Callable[[], bool] = lambda: False,
    compile_cache: bool = True,
) -> RunRecord | None:
    """Train the one run of a claim: to go on where it was stopped, or again where it has ended.

    Args:
        claim: its folder.
        manual_dir: where dataset files lie that are not downloaded.
        opened: called once the folder is ours.
        progress: True for a bar on stderr, or what takes every event.
        stop: asked between segments.
        compile_cache: whether programs are read and kept where the environment says.

    Returns:
        The record; None where the run was stopped.
    """
    from reluprobe.executor import session

    with session.opened(claim, again=True) as ours:
        opened()
        session.follow(ours, claim, manual_dir, None, progress, stop, compile_cache)
        return next(iter(ours.records.values()), None)


def sweep(
    source: Source,
    *,
    out: str | PathLike[str] | None = "results",
    overrides: Mapping[str, Any] | None = None,
    if_other_plan: Way = "refuse",
    retry_failed: bool = False,
    devices: int | None = None,
    compile_cache: bool = True,
    manual_dir: str | PathLike[str] | None = None,
    progress: Progress = None,
) -> Results:
    """Run every combination of a sweep, and give the results.

    The same call goes on where an earlier one ended, as the command does: runs whose whole record
    lies in ``out/<name>`` are not run again, and those that were stopped on their way go on from
    where they were last saved.

    Args:
        source: the path of a sweep file; or the same as a dict; or as TOML text. Its ``name``
            is the folder below ``out``; ``"sweep"`` for a dict or a text without one.
        out: a folder for results. None: nothing is written, and nothing is resumed.
        overrides: settings of ``[base]`` (or ``seeds``, ``order``, ``name``) to put in the place
            of the source's, as ``--set`` does.
        if_other_plan: what to do where ``out/<name>`` holds another plan: ``"refuse"``,
            ``"extend"`` (keep those runs, add these) or ``"fresh"`` (set them aside).
        retry_failed: run failed runs again.
        devices: how many of the session's JAX devices to use; None for all. A CPU is one device
            unless ``jax_num_cpu_devices`` says otherwise before JAX starts.
        compile_cache: as of :func:`train`.
        manual_dir: a folder with dataset files that are already on disk.
        progress: True for a bar on stderr, or a function that gets every event.

    Raises:
        InputError: the source has faults (all are listed), the folder holds another plan or what
            cannot be read, or there are not so many devices.
        DatasetError: a dataset cannot be had.
        ReluprobeError: the folder is in use or cannot be written.

    Examples:
        >>> results = rp.sweep({"seeds": 3, "grid": {"activation": ["relu", "elu"]}}, out=None)
        >>> results.summary().column_names[:3]
        ['activation', 'dead', 'dead_half_width']
    """
    from reluprobe.results import Results

    arguments.choice("if_other_plan", if_other_plan, ("refuse", "extend", "fresh"))
    devices, follow = arguments.count("devices", devices), arguments.progress(progress)
    config = with_digests(_read(source, arguments.table("overrides", overrides)))
    plan = expand(config)
    place = _path(manual_dir)
    from reluprobe.executor import session

    if devices is not None:  # too many are refused before a folder is made
        from reluprobe.engine.devices import local_devices

        local_devices(devices)
    if out is None:
        if config.save_activations or config.save_weights:
            raise InputError("save_activations and save_weights need a folder", hint="out=")
        arranged = order.arranged(plan.runs, config.order, config.order_seed)
        asked = place, devices, follow, compile_cache
        records = {r.id: r for r in session.in_memory(arranged, *asked)}
        in_plan = tuple(records[run.id] for run in plan.runs)
        return Results((Archive(config.name, Path(config.name), in_plan),))
    folder = arguments.path("out", out) / config.name
    claim = Claim(
        folder, config, plan.runs, way=if_other_plan, hint=OTHER_PLAN_HINT, unread_hint=UNREAD_HINT
    )
    with session.opened(claim, retry_failed=retry_failed) as ours:
        asked = place, devices, follow
        session.follow(ours, claim, *asked, compile_cache=compile_cache)
    return Results(tuple(open_all([claim.folder])))


def load(*paths: str | PathLike[str]) -> Results:
    """Read what is there: folders of results, of one sweep, or single records.

    Raises:
        InputError: a path does not exist.
        ReluprobeError: nothing readable is there.
    """
    from reluprobe.results import Results

    if not paths:
        raise InputError("nothing to load", hint='rp.load("results/dying_relu")')
    return Results(tuple(open_all([arguments.path("path", path) for path in paths])))


def born_dead(
    *, out: str | PathLike[str] | None = None, **settings: int | str | float | Sequence[int]
) -> Result:
    """Count ReLU networks that are constant from birth, beside what is proved of them.

    Args:
        out: a folder for results: written to ``out/born-dead/<id>.json``. None: nothing is written.
        **settings: those of ``reluprobe born-dead``: ``depth`` and ``width`` as numbers or lists,
            ``init``, ``networks``, ``inputs``, ``examples``, ``seed``, …

    Returns:
        A cell a depth and width: how many of the networks drawn were born dead, the probability
        with its 95% Wilson interval, and the bounds of Lu, Shin, Su, Karniadakis (2019).

    Raises:
        InputError: settings that are unknown, out of bounds, or without effect; all are listed.
        ReluprobeError: ``out`` cannot be written; that is known before anything is drawn.

    Examples:
        >>> result = rp.born_dead(depth=[2, 5], width=[2, 4])
        >>> [(cell.depth, cell.width, cell.probability) for cell in result.cells][0]
        (2, 2, 0.1541)
    """
    config = make_born_dead(arguments.plain(settings))
    from reluprobe.born import count, result

    if out is not None:
        check_writable(arguments.path("out", out) / result.FOLDER)
    measured = count.measure(config)
    if out is not None:
        result.write(measured, arguments.path("out", out))
    return measured


def _read(source: Source, overrides: dict[str, Any]) -> SweepConfig:
    """A sweep from a path, a dict or TOML text."""
    if isinstance(source, Mapping):
        return parse_sweep(arguments.table("source", source), overrides=overrides)
    if not isinstance(source, str) or not _is_text(source):
        return read_sweep(arguments.path("source", source), overrides)
    try:
        written = documents.from_toml(source)
    except ValueError as error:
        raise InputError(f"the text is not TOML: {error}") from None
    return parse_sweep(written, overrides=overrides)


def _is_text(source: str) -> bool:
    # A path may hold a = too; what is the name of a file is a path.
    if "\n" in source or "=" not in source:
        return "\n" in source
    try:
        return not Path(source).exists()
    except OSError:  # too long for a file's name
        return True


def _path(path: str | PathLike[str] | None) -> Path | None:
    return None if path is None else arguments.path("manual_dir", path)


def _named_settings() -> inspect.Signature:
    """The signature of :func:`train` with every setting by its name, for ``help`` and editors."""
    own = inspect.signature(train)
    arguments = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    flags = [
        inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=s.default, annotation=s.type)
        for n, s in SETTINGS.items()
    ]
    return own.replace(parameters=[*flags, *arguments])


cast(Any, train).__signature__ = _named_settings()
__all__ = ["born_dead", "load", "sweep", "train"]
