"""All that is to be known of a GPU: whole runs a minute, where time goes, whether results agree.

Run: ``python benchmarks/gpu.py`` on a machine with a GPU (extras ``cuda`` and ``bench``). Prints
Markdown. Without a GPU it says so and measures nothing; ``--anyway`` measures what there is. Each
measurement is a process of its own; one that fails is a row that says so. ``--log`` keeps what
they said as they said it, and ``--only`` picks, for a machine that is lent by the minute.

The floor is memory traffic: each step of Adam reads and writes the weights and both moments, and
writes and reads the gradient, 32 bytes a weight. With 0.46 million weights that is 15 MB a step
and, over 469 steps and 12 epochs, 83 GB a run: 28 ms at 3 TB/s. It is taken at the rate that a
large copy reaches here. The matrix products, 1.85 TFLOP a run, take less at TF32 rates. Runs side
by side share only the dataset: the floor is per run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goals import Goal, tell
from scipy import stats

EPOCHS, STEPS, BYTES = 12, 469, 32
#: In the order that matters most where time runs out.
SECTIONS = ("runs", "agree", "torch", "matrix", "parts", "tries")
#: Wanted of one H100: runs of the study a minute, times a PyTorch loop, minutes of a matrix.
GOAL_RATE, GOAL_TIMES, GOAL_MINUTES = 1000, 100, 20
#: neuron-death's matrix of runs (``sweeps/continual_full.toml``): each 200 tasks of an epoch, ten
#: seeds of a setting side by side, and about so many programs.
MATRIX = {"depth": 3, "width": 500, "optimizer": "momentum", "learning_rate": 0.1}
MATRIX_RUNS, MATRIX_EPOCHS, MATRIX_SEEDS, MATRIX_PROGRAMS = 335, 200, 10, 7
#: What might be faster: variables of the environment, and arguments of a whole run.
TRIES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "as it is": ({}, {}),
    "`precision = tf32`": ({}, {"settings": {"precision": "tf32"}}),
    "TF32 in three passes": ({}, {"products": "TF32_TF32_F32_X3"}),
    "`precision = bfloat16`": ({}, {"settings": {"precision": "bfloat16"}}),
    "bfloat16 products, by XLA": ({}, {"products": "BF16_BF16_F32"}),
    "one after another": ({}, {"lanes": "map"}),
    "no command buffers": ({"XLA_FLAGS": "--xla_gpu_enable_command_buffer="}, {}),
    "loops in command buffers": (
        {
            "XLA_FLAGS": "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUBLASLT,CUDNN,"
            "CUSTOM_CALL,DYNAMIC_SLICE_FUSION,CONDITIONAL,WHILE"
        },
        {},
    ),
    "loops unrolled twice": (
        {"XLA_FLAGS": "--xla_gpu_enable_while_loop_unrolling=WHILE_LOOP_UNROLLING_DOUBLE_BUFFER"},
        {},
    ),
    "no Triton products": ({"XLA_FLAGS": "--xla_gpu_enable_triton_gemm=false"}, {}),
    "no autotuning": ({"XLA_FLAGS": "--xla_gpu_autotune_level=0"}, {}),
    "every tiling tried": ({"XLA_FLAGS": "--xla_gpu_exhaustive_tiling_search=true"}, {}),
}
RIVALS = {
    "torch-fused": "PyTorch loop, fused Adam",
    "torch-compile": "PyTorch, torch.compile",
}


def weights() -> int:
    """How many weights and biases the study's network has."""
    return 784 * 256 + 4 * 256 * 256 + 256 * 10 + 5 * 256 + 10


class Bench:
    """Runs measurements in processes of their own, until time is up."""

    def __init__(self, asked: Any) -> None:
        self.asked, self.started = asked, time.perf_counter()
        #: Milliseconds a run by what was run, for the goals; and what else they are of.
        self.runs: dict[tuple[int, str], float] = {}
        self.torch: float | None = None
        self.matrix: float | None = None

    def measure(
        self, script: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Any:
        """What the last line that a script prints holds; ``{"failed": why}`` where it fails."""
        left = 60 * self.asked.minutes - (time.perf_counter() - self.started)
        if left < 10:
            return {"failed": "no time left"}
        command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
        own = os.environ | dict(environment or {})
        if "XLA_FLAGS" in os.environ and environment and "XLA_FLAGS" in environment:
            own["XLA_FLAGS"] = f"{os.environ['XLA_FLAGS']} {environment['XLA_FLAGS']}"
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=own, timeout=left, check=True
            )
            answer = json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            answer = {"failed": "no time left"}
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
            answer = {"failed": lines[-1][:160]}
        said = json.dumps({"asked": [*arguments, dict(environment or {})], "answer": answer})
        if self.asked.log:
            with self.asked.log.open("a", encoding="utf-8") as log:
                log.write(said + "\n")
        print(said[:200], file=sys.stderr, flush=True)
        return answer

    def part(
        self, name: str, environment: Mapping[str, str] | None = None, **arguments: Any
    ) -> Any:
        """A part of ``gpu_parts.py``."""
        return self.measure("gpu_parts.py", name, json.dumps(arguments), environment=environment)

    def train(self, **arguments: Any) -> Any:
        """Whole runs of the network that is asked for, side by side also on a CPU."""
        environment = arguments.pop("environment", None)
        settings = {"dataset": self.asked.dataset} | arguments.pop("settings", {})
        return self.part("train", environment, settings=settings, **{"lanes": "vmap"} | arguments)


def card_line(card: dict[str, Any]) -> str:
    """Names and versions, and how products round by what is asked for."""
    errors = (f"{n} {'n/a' if e is None else f'{e:.1e}'}" for n, e in card["errors"].items())
    return (
        f"{card['devices']} × {card['device']}, driver {card['driver']}, JAX {card['jax']}; a copy "
        f"moves {card['bandwidth'] / 1e12:.2f} TB/s. Relative errors of a product: "
        f"{', '.join(errors)}; of `precision = bfloat16` beside the product of rounded factors "
        f"{card['rounded_error']:.1e}."
    )


def run_rows(bench: Bench, floor: float) -> Iterator[str]:
    """Whole runs by how many are side by side."""
    yield from run_header("whole runs of 12 epochs")
    yield f"| memory floor | | | | | {1e3 * floor:.1f} | {60 / floor:,.0f} | | |"
    for name in ("float32", "tf32", "bfloat16"):
        for runs in bench.asked.lanes:
            if name != "float32" and runs < bench.asked.low_from:
                continue
            settings = {"precision": name} if name != "float32" else {}
            answer = bench.train(runs=runs, epochs=bench.asked.epochs, settings=settings)
            if ended(answer):
                bench.runs[runs, name] = sum(times_of(answer))
            yield run_row(f"{runs} side by side, {name}", answer)


def ended(answer: Any) -> bool:
    """Whether all runs ended well: of others a rate would be of work that was not done."""
    return "failed" not in answer and answer["ok"] == answer["runs"]


def times_of(answer: Any) -> tuple[float, float, float]:
    """Milliseconds a run of 12 epochs: to start, of epochs, and of records made of them."""
    factor = EPOCHS / answer["epochs"]
    start, device, host = (1e3 * answer[n] / answer["runs"] for n in ("start", "device", "host"))
    return start, factor * device, factor * host


def run_header(title: str) -> Iterator[str]:
    """``first``: compiling. ``start``, ``epochs``, ``host`` (of records): milliseconds a run."""
    yield f"| {title} | first, s | start | epochs | host | ms a run | a minute | GB | dead % |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"


def run_row(title: str, answer: Any) -> str:
    """Milliseconds a run of 12 epochs: what does not grow with epochs, and what does.

    Dead units are those after as many epochs as were run.
    """
    if not ended(answer):
        why = answer.get("failed") or f"{answer['ok']} of {answer['runs']} runs ended well"
        return f"| {title} | {why} | | | | | | | |"
    whole = sum(times_of(answer))
    memory = f"{answer['memory'] / 1e9:.1f}" if answer["memory"] else ""
    times = " | ".join(f"{t:.1f}" for t in (*times_of(answer), whole))
    dead = 100 * statistics.fmean(statistics.fmean(layers) for layers in answer["dead"])
    rate = f"{60e3 / whole:,.0f}"
    return f"| {title} | {answer['first']:.1f} | {times} | {rate} | {memory} | {dead:.1f} |"


def agreement_rows(bench: Bench) -> Iterator[str]:
    """Dead shares here and on the CPU: Welch's t-test over seeds, a layer at a time."""
    asked = {"runs": bench.asked.seeds, "epochs": 3}
    here = bench.train(**asked)
    cpu = bench.train(**asked, lanes="map", environment={"JAX_PLATFORMS": "cpu"})
    for side, answer in (("here", here), ("the CPU", cpu)):
        if "failed" in answer or answer["ok"] < 2:
            yield f"{side}: {answer.get('failed', 'fewer than two runs ended')}"
            return
    yield f"| dead after 3 epochs, {asked['runs']} seeds | here % | CPU % | difference | p |"
    yield "|---|---:|---:|---:|---:|"
    columns = [[list(layer) for layer in zip(*a["dead"], strict=True)] for a in (here, cpu)]
    means = [[statistics.fmean(run) for run in a["dead"]] for a in (here, cpu)]
    pairs = [*zip(*columns, strict=True), means, (here["accuracy"], cpu["accuracy"])]
    names = [*(f"layer {n}" for n in range(1, len(columns[0]) + 1)), "mean", "test accuracy"]
    probabilities: list[float] = []
    for name, (one, other) in zip(names, pairs, strict=True):
        p = _welch(one, other)
        probabilities.append(p)
        cells = [
            f"{100 * statistics.fmean(x):.1f} ± {100 * statistics.stdev(x):.1f}"
            for x in (one, other)
        ]
        apart = 100 * (statistics.fmean(one) - statistics.fmean(other))
        yield f"| {name} | {cells[0]} | {cells[1]} | {apart:+.2f} | {p:.2f} |"
    smallest, bar = min(probabilities), 0.05 / len(probabilities)
    verdict = "They agree" if smallest >= bar else "THEY DIFFER"
    yield ""
    yield f"{verdict}: smallest p {smallest:.3f}, bar {bar:.3f}."


def _welch(one: list[float], other: list[float]) -> float:
    """The p of Welch's t-test; 1 or 0 where neither side has any spread (none dead)."""
    if len({*one}) == len({*other}) == 1:
        return float(one[0] == other[0])
    test: Any = stats.ttest_ind(one, other, equal_var=False)
    return float(test.pvalue)


def part_rows(bench: Bench) -> Iterator[str]:
    """Parts of an epoch, kernels, and a look beside float64."""
    runs = bench.asked.beside
    answer = bench.part("parts", runs=runs)
    if "failed" in answer:
        yield f"Parts: {answer['failed']}"
        return
    yield f"| part, {runs} side by side | ms | times in 12 epochs | ms a run |"
    yield "|---|---:|---:|---:|"
    for name, seconds in answer["seconds"].items():
        times = EPOCHS * STEPS if "step" in name or name.startswith("—") else EPOCHS
        times = 1 if "last look" in name else times
        a_run = 1e3 * seconds * times / runs
        yield f"| {name} | {1e3 * seconds:.3f} | {times} | {a_run:.2f} |"
    yield ""
    if answer["kernels"]:
        yield "| kernel, in steps | times | share |"
        yield "|---|---:|---:|"
        for name, times, share in answer["kernels"]:
            yield f"| `{name[:70]}` | {times} | {share:.1%} |"
        yield ""
    yield (
        f"A look beside float64 on the same weights: loss off by {answer['loss_error']:.1e} "
        f"(relative), {answer['units_differ']} units judged otherwise."
    )


def torch_rows(bench: Bench) -> Iterator[str]:
    """PyTorch on the same device, one run at a time; its products are of float32."""
    yield "| a run of 12 epochs, one at a time | ms a run | from | to |"
    yield "|---|---:|---:|---:|"
    for side, title in RIVALS.items():
        answer = bench.measure(
            "rivals.py", "--side", side, "--epochs", str(bench.asked.torch_epochs)
        )
        if isinstance(answer, list):
            if side == "torch-fused":
                bench.torch = 1e3 * EPOCHS * statistics.median(answer)
            middle, *ends = (1e3 * EPOCHS * f(answer) for f in (statistics.median, min, max))
            yield f"| {title} | {middle:,.0f} | {ends[0]:,.0f} | {ends[1]:,.0f} |"
        else:
            yield f"| {title} | {answer['failed']} | | |"


def matrix_rows(bench: Bench) -> Iterator[str]:
    """What neuron-death's matrix would take, by two epochs of its network: it is not run."""
    yield "| 3 × 500, SGD with momentum | first, s | ms a run and epoch | matrix, min, estimated |"
    yield "|---|---:|---:|---:|"
    answer = bench.train(runs=MATRIX_SEEDS, epochs=2, settings=MATRIX)
    title = f"{MATRIX_SEEDS} side by side, float32"
    if not ended(answer):
        yield f"| {title} | {answer.get('failed', 'a run did not end well')} | | |"
        return
    epoch = (answer["device"] + answer["host"]) / answer["epochs"] / MATRIX_SEEDS
    start = answer["start"] / MATRIX_SEEDS
    seconds = MATRIX_RUNS * (start + MATRIX_EPOCHS * epoch) + MATRIX_PROGRAMS * answer["first"]
    bench.matrix = seconds / 60
    yield f"| {title} | {answer['first']:.1f} | {1e3 * epoch:.2f} | {bench.matrix:.1f} |"
    yield ""
    yield (
        f"Estimated, not run: {MATRIX_RUNS} runs of {MATRIX_EPOCHS} tasks, an epoch each, as in "
        f"`sweeps/continual_full.toml`, {MATRIX_SEEDS} side by side, {MATRIX_PROGRAMS} programs "
        "compiled. Permuted inputs and units drawn anew are not in it."
    )


def goals(bench: Bench) -> list[Goal]:
    """What is wanted of one H100, beside what was measured here."""
    rates, fastest = [], {n: _fastest(bench, n) for n in ("float32", "tf32", "bfloat16")}
    for name, (runs, ms) in fastest.items():
        title = f"GPU: runs of the study a minute, {name}" + (f", {runs} at once" if ms else "")
        rates.append(Goal(title, 60e3 / ms if ms else None, "≥", GOAL_RATE, "{:,.0f}"))
    _, ms = fastest["float32"]
    times = bench.torch / ms if bench.torch and ms else None
    title = f"GPU: neuron-death's {MATRIX_RUNS} runs, minutes (estimated, not run)"
    return [
        *rates,
        Goal("GPU: times a PyTorch loop, float32 both", times, "≥", GOAL_TIMES, "{:.0f}"),
        Goal(title, bench.matrix, "≤", GOAL_MINUTES, "{:.0f}"),
    ]


def _fastest(bench: Bench, name: str) -> tuple[int, float | None]:
    """How many side by side were fastest in a precision, and their milliseconds a run."""
    own = {runs: ms for (runs, kind), ms in bench.runs.items() if kind == name}
    return min(own.items(), key=lambda item: item[1]) if own else (0, None)


def try_rows(bench: Bench) -> Iterator[str]:
    """What might be faster, each in a process of its own, for fewer epochs."""
    runs = bench.asked.beside
    yield from run_header(f"tried, {runs} side by side")
    for title, (environment, arguments) in TRIES.items():
        own = dict(arguments, runs=runs, epochs=2, environment=environment)
        yield run_row(title, bench.train(**own))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 8, 64, 256, 512])
    parser.add_argument("--low-from", type=int, default=256, help="fewer lanes: float32 only")
    parser.add_argument("--beside", type=int, default=256, help="lanes of parts and tries")
    parser.add_argument("--dataset", default="mnist", help="of whole runs; blobs for a quick try")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of whole runs")
    parser.add_argument("--seeds", type=int, default=16, help="on each side of the comparison")
    parser.add_argument("--torch-epochs", type=int, default=6, help="the first is not counted")
    parser.add_argument("--minutes", type=float, default=60, help="no more than this in all")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=SECTIONS)
    parser.add_argument("--log", type=Path, help="a file for what each measurement said")
    parser.add_argument("--anyway", action="store_true", help="without a GPU, too")
    bench = Bench(asked := parser.parse_args())
    card = bench.part("card", megabytes=64 if asked.anyway else 2048)
    if "failed" in card:
        sys.exit(f"nothing measured: {card['failed']}")
    if card["platform"] == "cpu" and not asked.anyway:
        print("no GPU here: nothing measured")
        tell(*goals(bench))
        return
    floor = BYTES * weights() * STEPS * EPOCHS / card["bandwidth"]
    print(card_line(card))
    sections = {
        "runs": lambda: run_rows(bench, floor),
        "agree": lambda: agreement_rows(bench),
        "parts": lambda: part_rows(bench),
        "torch": lambda: torch_rows(bench),
        "matrix": lambda: matrix_rows(bench),
        "tries": lambda: try_rows(bench),
    }
    for name in SECTIONS:
        if name in asked.only:
            print(flush=True)
            for line in sections[name]():
                print(line, flush=True)
    print(f"\nThe goals are of the study on one H100; here is {asked.dataset}.")
    tell(*goals(bench))


if __name__ == "__main__":
    main()
