"""A long-lived octave-cli that is told what to do a line at a time and answers with numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from benchmarks.workloads import Workload

EXECUTABLE = "octave-cli"
OWN_FILES = Path(__file__).parent / "matlab"
REFERENCE = Path(__file__).parent.parent / "reference_matlab"
SLOW_BLAS = (
    "Octave computes with the reference BLAS, tens of times slower than with OpenBLAS, and would make any ratio look "
    "good. On Debian and Ubuntu: apt-get install libopenblas0"
)
_ANSWER = "@answer "
_LOOP = """
warning('off', 'all');
while true
  line = fgetl(stdin);
  if ~ischar(line), break; end
  if isempty(line), continue; end
  answer = []; failure = '';
  try, eval(line); catch problem, failure = strrep(problem.message, "\\n", ' '); end
  if isempty(failure), printf('\\n@answer %s\\n', sprintf('%.9g ', answer)); end
  if ~isempty(failure), printf('\\n@failure %s\\n', failure); end
  fflush(stdout);
end
"""


class OctaveError(RuntimeError):
    """Octave reported an error or ended."""


def why_no_octave() -> str | None:
    """Why Octave cannot be used, or None where it can."""
    return None if shutil.which(EXECUTABLE) else f"{EXECUTABLE} is not on the PATH: not installed"


class OctaveProcess:
    """One Octave with its own BLAS threads, in the working directory `folder`.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        # as a user has it: on as many threads as it takes by itself
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        self._process = subprocess.Popen(
            [EXECUTABLE, "--quiet", "--norc", "--no-history", "--eval", _LOOP],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._questions, self._answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        for path in (REFERENCE, OWN_FILES):
            self.run(f"addpath('{str(path).replace(chr(39), chr(39) * 2)}');")

    def run(self, code: str) -> Sequence[float]:
        """Run a line of code; what it left in the variable `answer`.

        Raises
        ------
        OctaveError
        """
        self._questions.write(code.replace("\n", " ") + "\n\n")  # fgetl looks one character further
        self._questions.flush()
        for line in self._answers:
            if line.startswith(_ANSWER):
                return [float(number) for number in line[len(_ANSWER) :].split()]
            if line.startswith("@failure "):
                raise OctaveError(line.partition(" ")[2].strip())
        raise OctaveError(f"{EXECUTABLE} ended")

    def version(self) -> str:
        """As '8.4.0 with a tuned BLAS'."""
        number = ".".join(f"{part:g}" for part in self.run("answer = sscanf(version, '%d.%d.%d');"))
        return f"{number} with {'the reference BLAS' if self._has_slow_blas() else 'a tuned BLAS'}"

    def is_up_to(self, workload: Workload) -> bool:
        """Whether a comparison on this workload says something: a small one, or Octave has a tuned BLAS."""
        return workload.is_small or not self._has_slow_blas()

    def _has_slow_blas(self) -> bool:
        return bool(self.run("answer = ! isempty(strfind(version('-blas'), 'reference'));")[0])

    def close(self) -> None:
        """End it."""
        self._questions.close()
        self._answers.close()
        self._process.wait()

    def __enter__(self) -> OctaveProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
