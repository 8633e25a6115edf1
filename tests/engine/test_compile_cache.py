"""Compiled programs on disk: read by another process, never damaged, another's or too many."""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

import reluprobe
from reluprobe import data
from reluprobe.engine import (
    checks,
    code_identity,
    compile_cache,
    context,
    program_identity,
    stderr_filter,
)
from reluprobe.engine.compile_cache import SUFFIX, ProgramCache
from reluprobe.engine.compiler import ProgramRequest
from reluprobe.plan.runs import Run

#: Trains a tiny network; the second process may not compile its program.
TRAINING = """if 1:
    import dataclasses, json
    import jax, reluprobe as rp
    compile = jax.stages.Lowered.compile
    def counted(*args, **options):
        print("compiles")
        return compile(*args, **options)
    jax.stages.Lowered.compile = counted
    made = rp.train(dataset="blobs", width=5, depth=1, epochs=1, probe_examples=50)
    print(json.dumps(dataclasses.asdict(made) | {"seconds": 0.0}, default=str))
    """


class Programs:
    """A cache, and tiny programs that say how often they were compiled."""

    def __init__(self, place: Path, limit: int = compile_cache.LIMIT) -> None:
        self.cache = ProgramCache(place, limit)
        self.compiled = 0

    def __call__(self, factor: int, key: str | None = None) -> float:
        """3 times the factor, by the program of that name."""

        def compile() -> jax.stages.Compiled:
            self.compiled += 1
            return jax.jit(lambda x: factor * x).lower(np.float32(0)).compile()

        key = key or f"key{factor}"
        program = self.cache.compiled(key, jax.devices()[:1], compile)
        return float(program(np.float32(3)))

    def file(self, factor: int) -> Path:
        return self.cache.folder / f"key{factor}{SUFFIX}"


@pytest.fixture(autouse=True)
def no_cache_of_jax() -> Iterator[None]:
    """What JAX has read from its own cache is not written to ours."""
    folder = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield
    jax.config.update("jax_compilation_cache_dir", folder)
    compilation_cache.reset_cache()


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "programs")


def test_what_was_compiled_once_is_read(programs: Programs, tmp_path: Path):
    assert [programs(2), programs(2), Programs(tmp_path / "programs")(2)] == [6, 6, 6]
    assert programs.compiled == 1
    name = rf"jaxlib-{re.escape(jaxlib.__version__)}-[0-9a-f]{{8}}"
    (folder,) = (tmp_path / "programs").iterdir()
    assert re.fullmatch(name, folder.name)
    assert [file.name for file in folder.iterdir()] == ["key2.program"]


def damages() -> dict[str, Callable[[bytes], bytes]]:
    """What can befall a file: each gives other bytes in its place."""
    noise = random.Random(0)

    def flipped(entry: bytes, at: int) -> bytes:
        return entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]

    return {
        "emptied": lambda entry: b"",
        "cut in its seal": lambda entry: entry[:20],
        "cut after its seal": lambda entry: entry[:32],
        "cut in half": lambda entry: entry[: len(entry) // 2],
        "cut by a byte": lambda entry: entry[:-1],
        "longer": lambda entry: entry + b"\0",
        "zeroed": lambda entry: bytes(len(entry)),
        "zeroed after its seal": lambda entry: entry[:32] + bytes(len(entry) - 32),
        "noise": lambda entry: noise.randbytes(len(entry)),
        "a bit of its seal": lambda entry: flipped(entry, 0),
        "a bit of its content": lambda entry: flipped(entry, len(entry) // 2),
    }


@pytest.mark.parametrize("damage", damages())
def test_a_damaged_program_is_compiled_and_written_anew(programs: Programs, damage: str):
    programs(2)
    whole = programs.file(2).read_bytes()
    programs.file(2).write_bytes(damages()[damage](whole))
    assert [programs(2), programs(2)] == [6, 6] and programs.compiled == 2


def test_another_programs_content_is_not_taken_for_it(programs: Programs):
    assert [programs(2), programs(5)] == [6, 15]
    two, five = programs.file(2), programs.file(5)
    one, other = two.read_bytes(), five.read_bytes()
    two.write_bytes(other)
    five.write_bytes(one)
    assert [programs(2), programs(5)] == [6, 15] and programs.compiled == 4


def test_whole_bytes_that_are_no_program_are_compiled_over(programs: Programs):
    programs.cache.folder.mkdir(parents=True)
    for content in (b"no zlib", compile_cache.zlib.compress(b"no pickle")):
        seal = compile_cache._digest("key2", content)
        programs.file(2).write_bytes(seal + content)
        assert programs(2) == 6
    assert programs.compiled == 2


def test_what_a_killed_process_was_writing_is_not_read_and_goes(programs: Programs):
    programs(5)
    half = programs.cache.folder / f".key2{SUFFIX}.0123"
    half.write_bytes(programs.file(5).read_bytes()[:100])
    assert programs(2) == 6 and half.exists()  # its process may be at it still
    os.utime(half, (0, 0))
    programs(3)
    assert not half.exists()


def test_a_cache_that_cannot_be_written_is_said_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("in its place")
    programs = Programs(tmp_path / "file")
    with caplog.at_level(logging.WARNING, "reluprobe"):
        assert [programs(2), programs(5), programs(2)] == [6, 15, 6]
    (message,) = caplog.messages
    assert (
        message.startswith("compiled programs are not kept: cannot write") and "\n" not in message
    )


def test_a_full_disk_leaves_no_entry(programs: Programs, monkeypatch: pytest.MonkeyPatch):
    def full(file: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reluprobe.files.atomic.sync", full)
    assert programs(2) == 6 and not [*programs.cache.place.rglob("*")]


def test_what_was_used_longest_ago_goes_first(tmp_path: Path):
    programs = Programs(tmp_path)
    for n in (2, 3, 5):
        programs(n)
        os.utime(programs.file(n), (n, n))
    programs(2)  # read: used last
    size = programs.file(2).stat().st_size
    programs.cache.limit = 3 * size + size // 2
    programs(7)
    assert {n for n in (2, 3, 5, 7) if programs.file(n).exists()} == {2, 5, 7}


def test_programs_of_other_versions_go_too_and_other_peoples_files_stay(tmp_path: Path):
    programs = Programs(tmp_path, limit=1)
    (tmp_path / "jaxlib-0.1-00000000").mkdir()
    old = tmp_path / "jaxlib-0.1-00000000" / f"key{SUFFIX}"
    mine = tmp_path / "jaxlib-0.1-00000000" / "notes.txt"
    for file in (old, mine):
        file.write_text("text")
    programs(2)
    assert not old.exists() and mine.exists() and not programs.file(2).exists()


def test_another_processor_has_another_folder(tmp_path: Path):
    info = "processor\t: 0\nflags\t\t: fpu avx\ncpu MHz\t\t: 2000.5\n\nprocessor\t: 1\n"
    files = {}
    for name, text in {
        "this": info,
        "slower": info.replace("2000.5", "1000"),
        "newer": info.replace("avx", "avx avx512f"),
    }.items():
        files[name] = tmp_path / name
        files[name].write_text(text)
    processors = {name: compile_cache.processor(file) for name, file in files.items()}
    assert processors["this"] == processors["slower"] != processors["newer"]
    assert compile_cache.processor(tmp_path / "missing") != processors["this"]


def test_the_environment_says_where_and_whether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: tmp_path / "cache" / name)
    places = {}
    for value in ("", "0", "off", "No", "1", "yes", "True", str(tmp_path / "mine")):
        monkeypatch.setenv(compile_cache.VARIABLE, value)
        places[value] = compile_cache.opened()
    monkeypatch.delenv(compile_cache.VARIABLE)
    usual = ProgramCache(tmp_path / "cache" / "reluprobe" / "programs")
    assert compile_cache.opened() == usual
    mine = ProgramCache(tmp_path / "mine/programs")
    assert list(places.values()) == [usual, None, None, None, usual, usual, usual, mine]


def test_what_jaxs_own_cache_may_have_given_is_not_written(programs: Programs, tmp_path: Path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "jax"))
    assert programs(2) == 6 and not programs.file(2).exists()


def request(run: Run, devices: int = 1) -> ProgramRequest:
    datasets = checks.load_and_check([run], data.load)
    made = context.Context.of([run], datasets, jax.devices()[:devices], "map")
    return made.request(run, devices)


def identity(run: Run, devices: int = 1) -> str | None:
    def lower() -> Any:
        raise AssertionError("it was traced")

    return program_identity.identity(request(run, devices), lower)


def test_runs_of_one_program_have_one_identity_and_others_another(run_of: Callable[..., Run]):
    one = identity(run_of())
    assert one and re.fullmatch("[0-9a-f]{64}", one)
    assert one == identity(run_of(seed=8, learning_rate=0.2, epochs=3, init="he_normal"))
    others = [
        run_of(width=12),
        run_of(depth=3),
        run_of(width=[11, 12]),
        run_of(activation="elu"),
        run_of(activation="crelu"),
        run_of(batch_size=101),
        run_of(optimizer="adam"),
        run_of(norm="layer"),
        run_of(use_bias=False),
        run_of(l2=0.1),
        run_of(dropout=0.1),
        run_of(freeze_layers=1),
        run_of(dataset="abs"),
    ]
    made = [one, identity(run_of(), devices=2), *map(identity, others)]
    assert len(set(made)) == len(made)


def test_what_a_compiler_goes_by_is_in_the_identity(
    run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
):
    def changed(change: Callable[[pytest.MonkeyPatch], object]) -> str | None:
        with monkeypatch.context() as patch:
            change(patch)
            return identity(run_of())

    def setting(patch: pytest.MonkeyPatch, name: str, value: Any) -> None:
        patch.setattr(type(jax.config), "values", {**jax.config.values, name: value})

    changes: list[Callable[[pytest.MonkeyPatch], object]] = [
        lambda patch: None,
        lambda patch: patch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true"),
        lambda patch: setting(patch, "jax_disable_most_optimizations", False),
        lambda patch: setting(patch, "jax_num_cpu_devices", 7),
        lambda patch: patch.setattr("reluprobe.engine.cores.usable_cores", lambda: 99),
        lambda patch: patch.setattr(code_identity, "of_all", lambda: ("other",)),
    ]
    made = list(map(changed, changes))
    assert made[0] == identity(run_of()) and len(set(made)) == len(made)


def test_code_that_is_mended_in_its_place_is_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "somelib").mkdir()
    file = tmp_path / "somelib" / "__init__.py"
    file.write_text("a = 1")
    os.utime(file, (1, 1))
    monkeypatch.syspath_prepend(tmp_path)
    places = code_identity._places("somelib")
    before = code_identity._listed(places)
    assert before == code_identity._listed(places)
    file.write_text("a = 2")
    assert before != code_identity._listed(places)


def test_of_code_that_was_written_after_it_was_imported_nothing_is_kept(
    run_of: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(code_identity.PACKAGE / "nn", tmp_path / "nn")
    monkeypatch.setattr(code_identity, "PACKAGE", tmp_path)
    monkeypatch.setattr(code_identity, "of_package", code_identity.of_package.__wrapped__)
    monkeypatch.setattr(code_identity, "of_all", code_identity.of_all.__wrapped__)
    far = 2**62  # nanoseconds: in the year 2116
    monkeypatch.setattr(reluprobe, "IMPORTED", far)
    before = code_identity.of_package()
    assert identity(run_of()) is not None and " " not in before

    os.utime(tmp_path / "nn" / "mlp.py", ns=(far + 10**9, far + 10**9))
    assert identity(run_of()) is None
    after = code_identity.of_package()
    assert after.split()[0] == before and str(os.getpid()) in after


def test_code_that_was_copied_with_its_old_time_was_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "mlp.py").touch()
    os.utime(tmp_path / "mlp.py", (1, 1))
    monkeypatch.setattr(reluprobe, "IMPORTED", 2 * 10**9)
    assert code_identity._written_to([tmp_path])


def test_somebodys_own_network_is_known_by_what_is_traced(run_of: Callable[..., Run]):
    asked = request(run_of())
    own = dataclasses.replace(asked.specs[0], own="theirs")  # type: ignore[arg-type]
    asked = dataclasses.replace(asked, specs=(own,))

    def lowered(text: str) -> Any:
        return type("Lowered", (), {"as_text": lambda self: text})

    one, other = (program_identity.identity(asked, lowered(text)) for text in ("add", "multiply"))
    assert one and other and one != other
    assert program_identity.identity(asked, lowered("custom_call @xla_python_cpu_callback")) is None


def test_stderr_is_as_it_was_but_for_one_kind_of_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def noise() -> None:
        os.write(2, b"E0000 cpu_aot_loader] Loading XLA:CPU AOT result. Target machine feature\n")
        os.write(2, b"a real error\n")

    monkeypatch.setattr(stderr_filter, "ours", False)
    with stderr_filter.without(compile_cache.FALSE_ALARM):
        noise()
    assert "AOT" in capfd.readouterr().err  # somebody else's process
    monkeypatch.setattr(stderr_filter, "ours", True)
    with (
        pytest.raises(ValueError, match="passed on"),
        stderr_filter.without(compile_cache.FALSE_ALARM),
    ):
        noise()
        raise ValueError("passed on")
    assert capfd.readouterr().err == "a real error\n"


def test_another_process_trains_with_the_program_to_the_same_bits(tmp_path: Path):
    hidden = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
    environment = {n: v for n, v in os.environ.items() if n not in hidden}
    environment |= {compile_cache.VARIABLE: str(tmp_path), "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    children = []
    for _ in range(2):
        command = [sys.executable, "-c", TRAINING]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        children.append(done.stdout.splitlines())
    first, second = children
    assert first == ["compiles", *second]
    assert len([*tmp_path.rglob(f"*{SUFFIX}")]) == 1
