"""The reduction ratio ρ: actual change over the change that the undamped quadratic model predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import check_settings, word
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.solvers.rules import Judgement, ScoreOf


@dataclass(frozen=True)
class ReductionRatio:
    """ρ = (f(θ + p) - f(θ)) / (½ pᵀG p - gᵀp).

    Attributes
    ----------
    cases : {'target_chunk', 'all'}
        Cases on which f is compared.
    gradient : {'all', 'target_chunk'}
        Cases of the model's gradient g. MATLAB compares f on the target chunk and takes g over all cases.
    """

    cases: str = "target_chunk"
    gradient: str = "all"

    def __post_init__(self) -> None:
        either = word("all", "target_chunk")
        check_settings(self, cases=either, gradient=either)

    def judge(self, p: Vector, score: ScoreOf, gradient: Gradient, G: Curvature, on: Cases) -> Judgement:
        """See `Judge.judge`."""
        compared = on if self.cases == "target_chunk" else on.all
        g = gradient.full if self.gradient == "all" else gradient.chunk
        before, after = score(compared, None).log_likelihood, score(compared, p).log_likelihood
        predicted = predicted_change(g, p, G(p))
        return Judgement(before, after, predicted, reduction_ratio(before, after, predicted))


def predicted_change(gradient: Vector, p: Vector, Gp: Vector) -> float:
    """Return ½ pᵀG p - gᵀp, the change of the negative log-likelihood that the undamped model predicts; negative.

    g is the gradient of the log-likelihood, weight decay included; Gp the undamped curvature product, all (P,).
    """
    return 0.5 * float(p @ Gp) - float(gradient @ p)


def reduction_ratio(before: float, after: float, predicted: float) -> float:
    """Return ρ, the actual change of the negative log-likelihood over the predicted one.

    It is -inf if the log-likelihood fell, and nan for 0/0.
    """
    change = before - after
    if change > 0:
        return -math.inf
    if predicted == 0:
        return math.nan if change == 0 or math.isnan(change) else math.copysign(math.inf, change * predicted)
    return change / predicted
