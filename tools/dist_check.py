"""Builds wheel and sdist, checks their files, installs each in an empty environment and runs a recorded demo there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "hf_matlab_compat"
READ_BY_TESTS_ONLY = ("_epoch1.mat", "_long.txt", "octave_streams.mat", ".csv")
"""Endings of the recordings in tests/goldens that the package does not read."""
FOLDERS_OF_TESTS = ("data", "methods", "rnn")
"""Folders in tests/goldens that it does not read."""


def tracked() -> set[str]:
    """Return the files of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def faults_of_sdist(sdist: Path) -> list[str]:
    """Return the files of the repository that the sdist lacks: tests and documentation must work from it."""
    with tarfile.open(sdist) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    return [f"{sdist.name} lacks {name}" for name in sorted(tracked() - there)]


def faults_of_wheel(wheel: Path) -> list[str]:
    """Return the files that the wheel lacks, and the files that it does not need."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    needed = {name for name in tracked() if name.startswith(f"{PACKAGE}/")} | {f"{PACKAGE}/demo/digits.mat"}
    recorded = {
        name for name in tracked() if name.startswith("tests/goldens/") and name.split("/")[2] not in FOLDERS_OF_TESTS
    }
    needed |= {
        name.replace("tests/goldens", f"{PACKAGE}/parity/goldens")
        for name in recorded
        if not name.endswith(READ_BY_TESTS_ONLY)
    }
    there = {name for name in names if ".dist-info/" not in name}
    licence = {} if any(name.endswith("licenses/LICENSE") for name in names) else {"LICENSE"}
    faults = [f"{wheel.name} lacks {name}" for name in sorted({*(needed - there), *licence})]
    return faults + [f"{wheel.name} has {name}, which nothing in it reads" for name in sorted(there - needed)]


def run(*command: str | Path, folder: Path) -> None:
    """Run a command outside the repository; its output appears if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")


def main() -> int:
    """Check both files."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
        wheel, sdist = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
        faults = faults_of_wheel(wheel) + faults_of_sdist(sdist)
        if faults:
            sys.exit("\n".join(faults))
        venv.create(folder / "empty", with_pip=True)
        programs = folder / "empty" / ("Scripts" if os.name == "nt" else "bin")
        for file, options in ((wheel, ()), (sdist, ("--no-deps", "--force-reinstall"))):  # numpy and scipy come once
            run(programs / "pip", "install", "--quiet", *options, file, folder=folder)
            for command in (("--version",), ("demo", "--recorded")):
                run(programs / "hf-compat", *command, folder=folder)
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, installed, demo --recorded passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
