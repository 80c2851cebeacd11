"""CG backtracking: of the iterates on the path, the one where the objective itself is best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hf_matlab_compat.solvers.conjgrad import CGPath
from hf_matlab_compat.state import Score, Vector


@dataclass(frozen=True)
class Chosen:
    """An iterate and what it is worth.

    Attributes
    ----------
    p : (P,) vector
    step : int
        Its CG step.
    score : Score
        At θ + p.
    """

    p: Vector
    step: int
    score: Score


def backtrack(path: CGPath, score: Callable[[Vector, int | None], Score], cases: str, chunk: int) -> Chosen:
    """The iterate to step along, with its score on all cases.

    Parameters
    ----------
    path : CGPath
    score : callable
        (p, chunk) → Score at θ + p on that chunk, or on all cases for None.
    cases : {'all', 'target_chunk', 'none'}
        Where iterates are compared; 'none' takes the last without comparing.
    chunk : int
        The target chunk.
    """
    if cases == "none":
        return Chosen(path.iterates[-1], path.steps[-1], score(path.iterates[-1], None))
    if cases == "all":
        return walk_down(path, lambda p: score(p, None))
    chosen = walk_down(path, lambda p: score(p, chunk))
    return replace(chosen, score=score(chosen.p, None))


def walk_down(path: CGPath, score_of: Callable[[Vector], Score]) -> Chosen:
    """Walk from the last iterate down while the log-likelihood does not fall; ties move down.

    Parameters
    ----------
    path : CGPath
    score_of : callable
        p → Score at θ + p.
    """
    chosen = Chosen(path.iterates[-1], path.steps[-1], score_of(path.iterates[-1]))
    for j in range(len(path.iterates) - 2, -1, -1):
        score = score_of(path.iterates[j])
        if score.log_likelihood < chosen.score.log_likelihood:
            break
        chosen = Chosen(path.iterates[j], path.steps[j], score)
    return chosen
