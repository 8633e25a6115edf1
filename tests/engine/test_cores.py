"""How many cores a process may use: its affinity, and its container's quota by hand-made trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reluprobe.engine.cores import usable_cores

V1 = "30 29 0:26 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V2 = "30 29 0:26 {top} {place} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
CPUSET = "31 29 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"
OTHERS = f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n{CPUSET}"


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)


def tree(root: Path, groups: str, mount: str, quotas: dict[str, str], top: str = "/") -> Path:
    """A file system whose process is in these groups; quotas by the file that holds them."""
    files = {"proc/self/cgroup": groups} | quotas
    files["proc/self/mountinfo"] = f"{OTHERS}\n{mount.format(top=top, place='/sys/fs/cgroup')}\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 64)],
)
def test_a_container_s_quota_counts_in_whole_cores_and_at_least_one(
    tmp_path: Path, quota: str, cores: int
):
    files = {"sys/fs/cgroup/cpu.max": quota + "\n"}
    assert usable_cores(tree(tmp_path, "0::/\n", V2, files)) == cores


def test_the_least_quota_of_the_groups_around_a_process_counts(tmp_path: Path):
    files = {
        "sys/fs/cgroup/slurm/cpu.max": "800000 100000",
        "sys/fs/cgroup/slurm/job/cpu.max": "300000 100000",
        "sys/fs/cgroup/slurm/job/step/cpu.max": "max 100000",
        "sys/fs/cgroup/other/cpu.max": "100000 100000",
    }
    assert usable_cores(tree(tmp_path, "0::/slurm/job/step\n", V2, files)) == 3


@pytest.mark.parametrize(("top", "folder"), [("/", "docker/f00/"), ("/docker/f00", "")])
def test_the_first_version_is_read_wherever_its_groups_are_mounted(
    tmp_path: Path, top: str, folder: str
):
    at = f"sys/fs/cgroup/cpu,cpuacct/{folder}"
    files = {f"{at}cpu.cfs_quota_us": "200000\n", f"{at}cpu.cfs_period_us": "100000\n"}
    groups = "3:cpuset:/\n2:cpu,cpuacct:/docker/f00\n1:name=systemd:/a:b\n0::/\n"
    assert usable_cores(tree(tmp_path, groups, V1, files, top)) == 2


def test_the_first_version_without_a_quota_says_minus_one(tmp_path: Path):
    at = "sys/fs/cgroup/cpu,cpuacct/"
    files = {f"{at}cpu.cfs_quota_us": "-1\n", f"{at}cpu.cfs_period_us": "100000\n"}
    assert usable_cores(tree(tmp_path, "2:cpu,cpuacct:/\n", V1, files)) == 64


def test_both_versions_side_by_side_are_read(tmp_path: Path):
    files = {"sys/fs/cgroup/unified/a/cpu.max": "500000 100000"}
    mount = V2.replace("{place}", "/sys/fs/cgroup/unified")
    assert usable_cores(tree(tmp_path, "2:cpu,cpuacct:/a\n0::/a\n", mount, files)) == 5


def test_affinity_counts_where_it_is_less_than_the_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    root = tree(tmp_path, "0::/\n", V2, {"sys/fs/cgroup/cpu.max": "800000 100000"})
    assert usable_cores(root) == 2


def test_a_system_without_affinity_and_control_groups_has_all_its_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert usable_cores(tmp_path) == 10
