"""The set-up's scripts, with package managers that only note what they are asked for; the check of wheel and sdist."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools import dist_check

SCRIPT = Path(__file__).parents[1] / "tools" / "ensure_octave.sh"
NEEDED = ("sh", "mktemp", "rm", "tail", "grep", "env", "cat", "chmod", "touch")

pytestmark = pytest.mark.skipif(os.name == "nt" or shutil.which("sh") is None, reason="there is no sh")


class Machine:
    """Commands that a made-up machine has; `asked` is what its package manager was asked for."""

    def __init__(self, place: Path) -> None:
        self._place = place
        (place / "bin").mkdir()
        for name in NEEDED:
            if found := shutil.which(name):
                (place / "bin" / name).symlink_to(found)
        self.command("id", "echo 0")

    def command(self, name: str, does: str) -> None:
        path = self._place / "bin" / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def manager(self, name: str, fails_at: str = "nothing") -> None:
        octave = self._place / "bin" / "octave-cli"
        self.command(
            name,
            f'echo "$@" >>"{self._place}/asked"\n'
            f'case "$*" in *{fails_at}*) echo "no package $*"; exit 1;; esac\n'
            f'case "$*" in *octave) touch "{octave}"; chmod +x "{octave}";; esac',
        )

    def set_up(self, script: Path = SCRIPT) -> tuple[str, list[str]]:
        environ = {"PATH": str(self._place / "bin"), "TMPDIR": str(self._place)}
        (self._place / "asked").write_text("")
        done = subprocess.run(["sh", script], env=environ, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr, (self._place / "asked").read_text().splitlines()


REDIS = SCRIPT.with_name("ensure_redis.sh")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_octave_comes_with_openblas(machine: Machine) -> None:
    machine.manager("apt-get")
    said, asked = machine.set_up()
    assert [words.split()[-1] for words in asked] == ["update", "octave", "libopenblas0-pthread"]
    assert said == "Installing Octave (octave-cli) and OpenBLAS with apt-get, once ...\n"


def test_an_octave_without_openblas_gets_it_and_is_asked_once(machine: Machine) -> None:
    machine.manager("apt-get")
    machine.command("octave-cli", "exit 0")
    machine.command("ldconfig", "echo libblas.so.3")
    assert [words.split()[-1] for words in machine.set_up()[1]] == ["update", "libopenblas0-pthread"]
    assert machine.set_up() == ("", [])


def test_what_is_there_is_left_alone(machine: Machine) -> None:
    machine.manager("apt-get")
    machine.command("octave-cli", "exit 0")
    machine.command("ldconfig", "echo libopenblas.so.0")
    assert machine.set_up() == ("", [])


def test_dnf_installs_both_and_a_missing_package_fails_nothing(machine: Machine) -> None:
    machine.manager("dnf")
    said, asked = machine.set_up()
    assert asked == ["install -y octave", "install -y openblas-threads"]
    (machine._place / "bin" / "octave-cli").unlink()
    machine.manager("dnf", fails_at="octave")
    said, asked = machine.set_up()
    assert "octave-cli is not here and could not be installed" in said
    assert "no package install -y octave" in said


def test_a_wheel_that_lacks_a_file_or_has_one_too_many_is_refused(tmp_path: Path) -> None:
    if subprocess.run(["git", "rev-parse"], cwd=dist_check.ROOT, capture_output=True, check=False).returncode:
        pytest.skip("this is no clone")
    names = {name for name in dist_check.tracked() if name.startswith("hf_matlab_compat/")}
    names -= {"hf_matlab_compat/parity/certificate.template.html"}
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        for name in (*names, "hf_matlab_compat/parity/goldens/octave_streams.mat"):
            archive.writestr(name, b"")
    faults = dist_check.faults_of_wheel(tmp_path / "a.whl")
    assert "a.whl lacks LICENSE" in faults
    assert "a.whl lacks hf_matlab_compat/parity/certificate.template.html" in faults
    assert "a.whl lacks hf_matlab_compat/parity/goldens/case_ae_hess.mat" in faults
    assert "a.whl has hf_matlab_compat/parity/goldens/octave_streams.mat, which nothing in it reads" in faults
    assert not any("py.typed" in fault for fault in faults)


def test_redis_is_installed_where_it_is_missing(machine: Machine) -> None:
    machine.manager("apt-get", fails_at="install")
    said, asked = machine.set_up(REDIS)
    install = "install -y --no-install-recommends redis-server"
    assert asked == [install, "update", install]
    assert "tests of shared parameters in Redis are skipped" in said
    machine.command("redis-server", "")
    assert machine.set_up(REDIS) == ("", [])


def test_without_a_package_manager_the_tests_of_redis_are_skipped(machine: Machine) -> None:
    said, asked = machine.set_up(REDIS)
    assert asked == []
    assert said.startswith("redis-server is not here and could not be installed")
