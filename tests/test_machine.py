"""What there is of a machine, where a shell or a container allows less."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bt_lstm_rotation import machine


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write what the kernel says, below /proc and /sys/fs/cgroup."""
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "cgroup")

    def write(**texts):
        for name, text in texts.items():
            file = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="ascii")

    return write


def sixty_four(_):
    return set(range(64))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), ("", 64)],
)
def test_a_container_may_have_fewer_cores_than_the_machine(
    files, monkeypatch, quota, cores
):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: set(range(64)), raising=False
    )
    files(cgroup__cpu_dot_max=quota)
    assert machine.available_cores() == cores


def test_the_first_control_groups_have_two_files_for_it(files, monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: set(range(64)), raising=False
    )
    files(
        cgroup__cpu__cpu_dot_cfs_quota_us="300000\n",
        cgroup__cpu__cpu_dot_cfs_period_us="100000\n",
    )
    assert machine.available_cores() == 3
    files(cgroup__cpu__cpu_dot_cfs_quota_us="-1\n")
    assert machine.available_cores() == 64


def test_the_least_of_what_is_left_counts(files):
    assert machine.memory_left() is None or machine.memory_left() > 0
    files(proc__meminfo="MemTotal: 99 kB\nMemAvailable:   8000 kB\n")
    assert machine.memory_left() == 8_000 * 1024
    files(
        cgroup__memory_dot_max="5000000",
        cgroup__memory_dot_current="4500000",
        cgroup__memory_dot_stat="anon 1\nfile 250000\nfile_mapped 7\n",
    )
    assert machine.memory_left() == 750_000
    files(cgroup__memory_dot_max="max")
    assert machine.memory_left() == 8_000 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_shells_limit_counts():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "from bt_lstm_rotation.machine import memory_left; print(memory_left())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert 0 < int(ran.stdout) < 2**30


def test_a_processor_is_named_with_what_changes_its_kernels(files, monkeypatch):
    files(proc__cpuinfo="processor\t: 0\nmodel name\t: Fast 3000\nflags\t\t: avx2\n")
    for text in ("Fast 3000", "OPENBLAS_CORETYPE=Haswell"):
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
        assert text in machine.processor.__wrapped__()
    before = machine.processor.__wrapped__()
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    assert machine.processor.__wrapped__() != before


def test_a_processor_has_a_name_where_the_kernel_gives_none(files):
    files(proc__cpuinfo="nothing of the kind\n")
    assert machine.processor.__wrapped__()


@pytest.mark.parametrize(
    ("variable", "imported", "is_on"),
    [(None, False, False), (None, True, True), ("0", True, False), ("1", False, True)],
)
def test_onednn_is_off_unless_somebody_else_imported_tensorflow(
    monkeypatch, variable, imported, is_on
):
    monkeypatch.delenv(machine.ONEDNN, raising=False)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    if variable is not None:
        monkeypatch.setenv(machine.ONEDNN, variable)
    if imported:
        monkeypatch.setitem(sys.modules, "tensorflow", machine)
    assert machine.onednn_is_on() is is_on
