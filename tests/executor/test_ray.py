"""Ray itself: two nodes, workers that are killed, a node that goes, runs that cannot be run.

``pip install ".[ray]" && pytest -m ray``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]

#: An activation with a program of its own, which is compiled sooner.
SWEEP = """
seeds = {seeds}
[base]
dataset = "blobs"
activation = "crelu"
width = 8
depth = 1
epochs = 3
probe_examples = 200
"""
CURSED, DEADLY = 1013, 1014
#: The second runs of the first two chunks wait until a gate is open.
GATED = (1, 3)
#: In every process.
POISON = """
import os, signal, time
from reluprobe.engine import tasks

real = tasks.draw_task
def task(config, *rest):
    if config.seed == {cursed}:
        raise FloatingPointError("this one is cursed")
    if config.seed == {deadly}:
        os.kill(os.getpid(), signal.SIGKILL)
    while config.seed in {gated} and os.path.exists({gate!r}):
        time.sleep(0.05)
    return real(config, *rest)
tasks.draw_task = task
"""
#: The command, and whether it has imported JAX.
CODE = """
import sys
from reluprobe.cli import main
try:
    main()
finally:
    print("jax" in sys.modules, file=sys.stderr)
"""
SEEDS = [*range(15), CURSED]


class Place:
    """A folder, a cluster, and how commands are typed there."""

    def __init__(self, folder: Path, cluster: Any) -> None:
        self.folder, self.cluster, self.gate = folder, cluster, folder / "closed"

    def child(self, out: str, *more: str, seeds: Sequence[int] = SEEDS) -> subprocess.Popen[str]:
        """A sweep in a process of its own; its events are read from its stdout."""
        (self.folder / "grid.toml").write_text(SWEEP.format(seeds=list(seeds)))
        command = [sys.executable, "-c", CODE, "sweep", "grid.toml", "--out", out, "--json", *more]
        return subprocess.Popen(
            command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def on_ray(self, out: str, **how: Any) -> subprocess.Popen[str]:
        return self.child(out, "--executor", "ray", "--address", self.cluster.address, **how)

    def lying(self, out: str) -> dict[str, dict[str, Any]]:
        """Records, by id, but for what no two sweeps share."""
        by_id = {}
        for file in (self.folder / out / "grid" / "runs").iterdir():
            by_id[file.stem] = json.loads(file.read_text())
            del by_id[file.stem]["seconds"], by_id[file.stem]["environment"]
        return by_id

    def at_work(self, node: Any) -> list[int]:
        """A node's processes that have a chunk."""
        raylet, pids = node.all_processes["raylet"][0].process.pid, []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == raylet and (place / "cmdline").read_bytes().startswith(b"ray::_task"):
                    pids.append(int(place.name))
        return pids


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')
    from ray.cluster_utils import Cluster

    folder = tmp_path_factory.mktemp("ray")
    (folder / "site").mkdir()
    poison = POISON.format(cursed=CURSED, deadly=DEADLY, gated=GATED, gate=str(folder / "closed"))
    (folder / "site" / "sitecustomize.py").write_text(poison)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{folder / 'site'}:{os.environ.get('PYTHONPATH', '')}")
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder / "programs"))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        cluster.add_node(num_cpus=1)
        yield Place(folder, cluster)
        cluster.shutdown()


@pytest.fixture(scope="module")
def plain(place: Place) -> dict[str, dict[str, Any]]:
    """A local sweep's records."""
    with place.child("plain") as process:
        rest(process)
    assert process.returncode == 3
    return place.lying("plain")


def heard(process: subprocess.Popen[str], *kinds: str) -> list[dict[str, Any]]:
    """The events until one of each of these kinds, in this order, has come."""
    assert process.stdout is not None and process.stderr is not None
    events, wanted = [], list(kinds)
    while wanted:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        events.append(json.loads(line))
        if events[-1]["event"] == wanted[0]:
            wanted.pop(0)
    return events


def rest(process: subprocess.Popen[str]) -> tuple[list[dict[str, Any]], str]:
    """The further events, and what is on stderr."""
    out, err = process.communicate(timeout=180)
    return [json.loads(line) for line in out.splitlines()], err


def ended(events: list[dict[str, Any]]) -> list[str]:
    """The runs that have, in order of their ids."""
    return sorted(event["id"] for event in events if event["event"] in ("run", "failed"))


def check(place: Place, out: str, plain: dict[str, Any], err: str) -> None:
    """The records are a local sweep's, nothing else is left, and the driver had no JAX."""
    assert place.lying(out) == plain
    (failed,) = [record for record in plain.values() if record["status"] == "failed"]
    assert failed["config"]["seed"] == CURSED and "this one is cursed" in failed["error"]
    left = {path.name for path in (place.folder / out / "grid").iterdir()}
    assert left == {".lock", "runs", "sweep.toml"}
    assert err.splitlines() == ["False"]


def test_a_worker_is_killed_and_a_node_goes_each_in_the_middle_of_a_chunk(place: Place, plain: Any):
    (node,) = place.cluster.worker_nodes
    place.gate.touch()
    with place.on_ray("broken") as process:
        events = heard(process, "run", "run")
        (here,) = place.at_work(place.cluster.head_node)
        (pid,) = place.at_work(node)
        os.kill(here, signal.SIGKILL)
        place.cluster.remove_node(node, allow_graceful=False)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)
        place.gate.unlink()
        after, err = rest(process)
    place.cluster.add_node(num_cpus=1)
    assert process.returncode == 3
    # Of each of the two chunks, one run was done and one was left.
    assert [event["runs"] for event in after if event["event"] == "again"] == [1, 1]
    assert ended(events + after) == sorted(plain)
    check(place, "broken", plain, err)


def test_one_ctrl_c_then_a_kill_and_the_same_command_goes_on(place: Place, plain: Any):
    place.gate.touch()
    with place.on_ray("stopped") as process:
        heard(process, "run", "run")
        process.send_signal(signal.SIGINT)
        after, err = rest(process)
    assert process.returncode == 130 and err.startswith("stopping at the end of this epoch")
    assert [event["event"] for event in after] == ["done"]
    assert (after[0]["exit"], after[0]["ok"], after[0]["missing"]) == (130, 2, len(plain) - 2)
    with place.on_ray("stopped") as process:
        while not all(map(place.at_work, place.cluster.list_all_nodes())):
            time.sleep(0.05)
        process.kill()
    # Whoever works for it goes with it.
    while any(map(place.at_work, place.cluster.list_all_nodes())):
        time.sleep(0.05)
    place.gate.unlink()
    with place.on_ray("stopped") as process:
        after, err = rest(process)
    assert process.returncode == 3 and len(ended(after)) == len(plain) - 2
    check(place, "stopped", plain, err)


def test_a_run_that_kills_its_process_each_time_is_recorded(place: Place, plain: Any):
    with place.on_ray("deadly", seeds=[0, 1, DEADLY]) as process:
        events, _ = rest(process)
    assert process.returncode == 3
    (failed,) = [event for event in events if event["event"] == "failed"]
    assert "its process died each time it was tried" in failed["error"]
    records = place.lying("deadly")
    assert records.pop(failed["id"])["config"]["seed"] == DEADLY
    assert len(records) == 2 and all(plain[id_] == record for id_, record in records.items())


def test_a_machine_without_reluprobe_is_named_and_a_bug_keeps_its_traceback():
    exceptions = pytest.importorskip("ray.exceptions", reason='needs Ray: pip install ".[ray]"')
    from reluprobe.executor.ray_executor import _raised

    def over_there(cause: Exception) -> Any:
        return exceptions.RayTaskError("_task", "ray::_task() (pid=9, ip=192.0.2.7)", cause)

    absent = RuntimeError("The remote function failed to import on the worker.\nModuleNotFound: r")
    assert str(_raised(over_there(absent))) == "on 192.0.2.7: ModuleNotFound: r"
    bug = over_there(ZeroDivisionError())
    assert _raised(bug) is bug


LOOK = """
import json, os, sys
from pathlib import Path
import ray
from reluprobe.executor.ray_executor import demands

def look():
    parent = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().decode()
    names = ("CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "JAX_NUM_CPU_DEVICES")
    seen = {name: os.environ.get(name) for name in names}
    return seen | {"pid": os.getpid(), "raylet": "raylet" in parent, "jax": "jax" in sys.modules}

ray.init(address=sys.argv[1], log_to_driver=False)
for kind in ("GPU", "CPU"):
    task = ray.remote(**demands(kind, 1))(look)
    print(json.dumps([ray.get(task.remote()) for _ in range(3)]))
"""


def test_what_a_task_is_given_and_when_its_process_ends(place: Place):
    node = place.cluster.add_node(num_cpus=1, num_gpus=1)
    command = [sys.executable, "-c", LOOK, place.cluster.address]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    on_gpu, on_cpu = map(json.loads, done.stdout.splitlines())
    for given in on_gpu + on_cpu:
        # A process of its own, no fork of one that has JAX.
        assert given["raylet"] and not given["jax"]
    assert {given["CUDA_VISIBLE_DEVICES"] for given in on_gpu} == {"0"}
    assert len({given["pid"] for given in on_gpu}) == 3
    assert {(t["JAX_PLATFORMS"], t["JAX_NUM_CPU_DEVICES"]) for t in on_cpu} == {("cpu", "1")}
    assert len({given["pid"] for given in on_cpu}) < 3
    # A sweep asks for the GPU that is said to be there, and JAX finds none.
    with place.on_ray("gpu") as process:
        _, err = rest(process)
    assert process.returncode == 1
    assert "there is a GPU, and JAX cannot use it" in err and "Traceback" not in err
    place.cluster.remove_node(node)


@pytest.mark.parametrize(
    ("more", "code", "part"),
    [
        (("--devices", "7"), 2, "--devices 7: allowed is 1 to 1; no node has more CPUs"),
        (("--address", "127.0.0.1:9"), 1, "cannot reach the cluster at 127.0.0.1:9"),
    ],
)
def test_what_the_cluster_does_not_have_is_said(place: Place, more: Any, code: int, part: str):
    address = () if "--address" in more else ("--address", place.cluster.address)
    with place.child("none", "--executor", "ray", *address, *more) as process:
        _, err = rest(process)
    assert process.returncode == code and part in err and "Traceback" not in err
