"""Worker: run what a chunk still lacks, on the machine that it was sent to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from reluprobe.engine.events import Event, RunDone, Saved, WeightsTaken
from reluprobe.errors import ReluprobeError
from reluprobe.executor import chunks
from reluprobe.executor.interface import Begun, Written
from reluprobe.records import resume

Tell = Callable[[Event | Begun | Written], None]


def work(file: Path, tell: Tell) -> None:
    """Run what a chunk still lacks, as a sweep on this machine would.

    Args:
        file: the chunk's, in the folder that its records go to.
        tell: takes what happens.

    Raises:
        ReluprobeError: this machine lacks the folder, the dataset, or cannot write. It is named.
    """
    try:
        _work(file, tell)
    except ReluprobeError as error:
        error.message = f"on {socket.gethostname()}: {error.message}"
        raise


def _work(file: Path, tell: Tell) -> None:
    chunk, folder = chunks.read(file), file.parents[1]
    tell(Begun(file, socket.gethostname()))
    # An earlier try, whose process died, has done some of it.
    standing = resume.progress_of(folder, chunk.runs, chunk.save_activations, chunk.save_weights)
    done = standing.done(chunk.retry)
    todo = [run for run in chunk.runs if run.id not in done]
    if not todo:
        return
    # Imported here: where nothing is left to do, and by who only submits, JAX is not waited for.
    from reluprobe.engine.process import set_up_process
    from reluprobe.executor import local

    set_up_process()
    manual_dir = None if chunk.manual_dir is None else Path(chunk.manual_dir)
    events = local.start(
        folder,
        todo,
        manual_dir,
        keep=chunk.keep,
        save_weights=chunk.save_weights,
        own_dir=Path(chunk.own_dir),
        compile_cache=chunk.compile_cache,
    )
    for event, _ in events:
        # What is in the folder: weights are no message.
        if not isinstance(event, Saved | WeightsTaken):
            tell(Written(event.run.id) if isinstance(event, RunDone) else event)
