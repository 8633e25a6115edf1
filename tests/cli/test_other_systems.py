"""Other systems, as far as Linux can play them: what macOS or Windows lacks is taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from python_processes import run_python

#: What the standard library has on Linux and not there.
LACKING = {
    "darwin": ["sched_getaffinity", "sched_setaffinity", "memfd_create", "sendfile"],
    "win32": [
        *["sched_getaffinity", "sched_setaffinity", "memfd_create", "sendfile"],
        *["O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_SYNC"],
        *["pread", "pwrite", "fork", "forkpty", "killpg", "getpgid", "setsid", "nice", "mkfifo"],
        *["getuid", "geteuid", "getgid", "getegid", "getgroups", "uname", "chown", "fchmod"],
        *["statvfs", "sysconf", "getloadavg", "posix_spawn", "openpty", "initgroups", "wait3"],
        *["register_at_fork", "fdatasync", "lockf", "sync"],
    ],
}
MODULES = {"darwin": [], "win32": ["fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"]}
#: Taken away before ours is imported, and after the libraries, which are Linux's here.
CODE = """if 1:
    import json, os, signal, sys, warnings
    import altair, flax.nnx, jax, optax, pyarrow.parquet, pydantic, rich.progress, typer, vl_convert
    lacking, modules, commands = map(json.loads, sys.argv[1:])
    for name in lacking:
        if hasattr(os, name):
            delattr(os, name)
    for name in [name for name in sys.modules if name.startswith("filelock")]:
        del sys.modules[name]
    for name in modules:
        sys.modules[name] = None
    if modules:
        for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGALRM", "SIGCHLD", "SIGTSTP"):
            delattr(signal, name)
    # filelock has what Windows has in place of fcntl there, and regrets its absence here.
    warnings.filterwarnings("ignore", "only soft file lock is available")
    from reluprobe import cli
    for command in commands:
        sys.argv = ["reluprobe", *command]
        print("$", *command)
        try:
            cli.main()
        except SystemExit as left:
            assert not left.code, (command, left.code)
"""
SWEEP = """name = "grid"
seeds = 2
[base]
dataset = "blobs"
depth = 1
width = 4
epochs = 1
"""


@pytest.mark.parametrize("system", LACKING)
def test_commands_need_nothing_that_only_linux_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
):
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    (tmp_path / "grid.toml").write_text(SWEEP)
    file, out = str(tmp_path / "grid.toml"), str(tmp_path / "results")
    tiny = ["--dataset", "blobs", "--depth", "1", "--width", "4", "--epochs", "1"]
    commands = [
        ["train", *tiny, "--out", out],
        ["sweep", file, "--out", out],
        ["sweep", file, "--out", out, "--quiet"],
        ["report", f"{out}/grid", "--no-figures"],
        ["export", f"{out}/grid", "--csv", "--out", str(tmp_path / "tables")],
        ["born-dead", "--depth", "1", "--width", "2", "--networks", "20", "--out", out],
        ["new", "grid", "--out", str(tmp_path / "new.toml")],
    ]
    given = (json.dumps(x) for x in (LACKING[system], MODULES[system], commands))
    process = run_python(CODE, *given)
    printed, complaints = process.communicate()
    assert process.returncode == 0, printed + complaints
    assert len(list((tmp_path / "results" / "grid" / "runs").glob("*.json"))) == 2
    assert not list((tmp_path / "results").rglob(".lock-*"))
    assert ("no file locks" in complaints) == (system == "win32")
    assert (tmp_path / "tables" / "runs.csv").exists() and (tmp_path / "new.toml").exists()
