"""CG backtracking: select the CG iterate with the best objective (Martens 2010, section 4.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import check_settings, word
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.rules import Chosen, Path, ScoreOf
from hf_matlab_compat.state import Score, Watch


@dataclass(frozen=True)
class Backtracking:
    """Walk from the last CG iterate to earlier ones while the log-likelihood does not fall.

    Attributes
    ----------
    cases : {'all', 'target_chunk', 'none'}
        Cases on which iterates are compared; 'none' takes the last iterate without comparing.
    """

    cases: str = Options.backtracking_cases

    def __post_init__(self) -> None:
        check_settings(self, cases=word("all", "target_chunk", "none"))

    def choose(self, path: Path, score: ScoreOf, on: Cases, watch: Watch) -> Chosen:
        """See `Selection.choose`."""
        watch("backtracking", 0, len(path.steps))
        if self.cases == "none":
            return Chosen(path.iterates[-1], path.steps[-1], score(on.all, path.iterates[-1]))
        if self.cases == "all":
            return walk_down(path, lambda p: score(on.all, p))
        chosen = walk_down(path, lambda p: score(on, p))
        return replace(chosen, score=score(on.all, chosen.p))


def walk_down(path: Path, score_of: Callable[[Vector], Score]) -> Chosen:
    """Walk from the last iterate to earlier ones while the log-likelihood does not fall; on a tie take the earlier one.

    `score_of` gives the score at θ + p.
    """
    chosen = Chosen(path.iterates[-1], path.steps[-1], score_of(path.iterates[-1]))
    for j in range(len(path.iterates) - 2, -1, -1):
        score = score_of(path.iterates[j])
        if score.log_likelihood < chosen.score.log_likelihood:
            break
        chosen = Chosen(path.iterates[j], path.steps[j], score)
    return chosen
