"""Signals: one Ctrl-C or SIGTERM asks the engine to stop; a second Ctrl-C ends the process."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text

from reluprobe.cli import console

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTICE = "stopping at the end of this epoch, to go on from there; Ctrl-C again stops at once."


class Stopping:
    """Whether, and by which signal, a stop was asked for."""

    signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def heard(self, number: int) -> None:
        """Take a signal. Only Ctrl-C is taken twice: schedulers repeat their SIGTERM."""
        if self.signal is None:
            self.signal = number
            console.err.print(Text(NOTICE, style="bold yellow"), soft_wrap=True)
        elif number == signal.SIGINT:
            if console.lively():
                console.err.show_cursor(True)
            os._exit(128 + number)


@contextmanager
def watched() -> Iterator[Stopping]:
    """Within, these signals end up in what is given, and raise nothing.

    Python runs its handlers between bytecodes, so not while XLA compiles or computes. The wake-up
    descriptor is written to by the C handler itself: a thread that reads it can act at once.
    """
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # signals are the main thread's
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    listener = threading.Thread(target=_listen, args=(reader, stopping), daemon=True)
    listener.start()
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield stopping
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        writer.close()
        listener.join()
        reader.close()


def _listen(reader: socket.socket, stopping: Stopping) -> None:
    while numbers := reader.recv(1):
        if numbers[0] in SIGNALS:
            stopping.heard(numbers[0])
