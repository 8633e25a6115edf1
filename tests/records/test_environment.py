"""What a record says of where it was made."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from reluprobe.records import environment

INTEL = "processor\t: 0\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Gold 6338\ncache\t: 1\n"


@pytest.mark.parametrize(
    ("system", "info", "sysctl", "expected"),
    [
        ("Linux", INTEL, "", "Intel(R) Xeon(R) Gold 6338"),
        ("Linux", "processor\t: 0\nCPU part\t: 0xd0c\n", "", "aarch64"),
        ("Linux", None, "", "aarch64"),
        ("Darwin", None, "Apple M2\n", "Apple M2"),
        ("Darwin", None, OSError(), "aarch64"),
        ("Windows", None, "", "Intel64 Family 6"),
    ],
)
def test_the_processor_is_named_as_the_system_names_it(
    system: str,
    info: str | None,
    sysctl: str | Exception,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def run(*args: object, **kwargs: object) -> SimpleNamespace:
        if isinstance(sysctl, Exception):
            raise sysctl
        return SimpleNamespace(stdout=sysctl)

    file = tmp_path / "cpuinfo"
    if info is not None:
        file.write_text(info)
    monkeypatch.setattr(environment, "CPU_INFO", file)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(platform, "processor", lambda: "Intel64 Family 6")
    monkeypatch.setattr(subprocess, "run", run)
    assert environment.processor.__wrapped__() == expected


def test_an_environment_names_device_and_processor():
    devices = [SimpleNamespace(platform="gpu", device_kind="NVIDIA H100")] * 2
    told = environment.describe_environment(devices)
    assert (told["backend"], told["device"], told["devices"]) == ("gpu", "NVIDIA H100", 2)
    assert told["processor"]
