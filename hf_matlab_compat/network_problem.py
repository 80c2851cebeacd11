"""The caller's way to the problem of a feed-forward network: to check it, wrap it, or approximate its posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.objective.cases import blocks_for
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.weights import Weights
from hf_matlab_compat.subject import NetworkData, network_subject


@dataclass(frozen=True, kw_only=True, repr=False)
class NetworkProblem(FeedforwardProblem):
    """A feed-forward network on its cases, which `train` places on the backend of the run; `feedforward` makes one.

    Attributes
    ----------
    given : NetworkData
        What it was made of.
    settings : Options
    """

    given: NetworkData
    settings: Options

    def __repr__(self) -> str:
        layers = " ".join(map(str, self.network.sizes))
        return f"NetworkProblem of layers {layers}, {self.num_parameters} parameters, {len(self.cases)} cases"

    def placed(self, backend: Backend, make_sum: Callable[..., OrderedSum] = OrderedSum) -> NetworkProblem:
        """Return the same problem on a backend, with this kind of sums; cases are sent to a device block by block."""
        weights, mask = (
            None if vector is None else backend.asarray(self.backend.to_host(vector))
            for vector in (self.cases.weights, self.mask)
        )
        cases = replace(self.cases, weights=weights)
        made = replace(self, backend=backend, cases=cases, mask=mask, make_sum=make_sum)
        lanes = made._on.sums.order.lanes
        return replace(made, cases=replace(cases, shared_blocks=blocks_for(lanes)))

    def initial_theta(self, seed: Any = None) -> NDArray[Any]:
        """Return a sparse random initialisation, (P,), on the host; `seed` as the option of that name."""
        units = [unit.name for unit in self.network.units]
        return sparse_init(self.network.sizes, units, stream_from_seed(seed), self.settings)

    def on(self, inputs: ArrayLike, targets: ArrayLike) -> NetworkProblem:
        """Return the problem of the same network on other cases, in one chunk, for ``train(test_problem=…)``.

        Raises
        ------
        DataError
            They do not fit the network.
        """
        only_classes = Weights(classes=self.given.weights.classes)
        given = self.given._replace(inputs=inputs, targets=targets, weights=only_classes)
        return _problem(given, replace(self.settings, num_chunks=1))


def feedforward(
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    hidden_sizes: Sequence[int],
    unit_types: Sequence[Any],
    case_weights: ArrayLike | None = None,
    class_weights: ArrayLike | None = None,
    num_chunks: int = 1,
    curvature: str = "gauss_newton",
    curvature_cases: str = "target_chunk",
    loss: Any = "matching",
    error_measure: str = "squared",
    weight_decay: float = 0.0,
    decay_biases: bool = True,
    num_connections: int = 15,
    init_scale: float = 1.0,
    faithful: bool = True,
) -> NetworkProblem:
    """Make the problem of a feed-forward network, the one that ``train(inputs=…)`` trains.

    For `check_derivatives`, `variational_problem`, and problems of your own around it. To train the network itself
    use ``train(inputs=…)``, whose result also predicts.

    Parameters
    ----------
    inputs, targets, hidden_sizes, unit_types, case_weights, class_weights
        As in `train`.
    num_chunks, curvature, curvature_cases, loss, error_measure, weight_decay, decay_biases
        As in `Options`, but without weight decay.
    num_connections, init_scale
        Of `initial_theta`, as in `Options`.
    faithful : bool
        As in `Options`.

    Returns
    -------
    NetworkProblem
        ``on(inputs, targets)`` is the problem on other cases.

    Raises
    ------
    OptionError, DataError
        As for `train`.

    Examples
    --------
    >>> import numpy as np
    >>> from hf_matlab_compat import check_derivatives, feedforward
    >>> X = np.random.default_rng(0).random((4, 30))
    >>> p = feedforward(X, X, hidden_sizes=[3], unit_types=["tanh", "logistic"], curvature="hessian", faithful=False)
    >>> check_derivatives(p, hessian=True).agree
    True
    """
    settings = Options(
        num_chunks=num_chunks,
        curvature=curvature,
        curvature_cases=curvature_cases,
        loss=loss,
        error_measure=error_measure,
        weight_decay=weight_decay,
        decay_biases=decay_biases,
        num_connections=num_connections,
        init_scale=init_scale,
        faithful=faithful,
        precision="double",
    )
    weights = Weights(case_weights, class_weights)
    return _problem(NetworkData(inputs, targets, None, None, hidden_sizes, unit_types, weights), settings)


def _problem(given: NetworkData, settings: Options) -> NetworkProblem:
    made: Any = network_subject(given, (None, None, None), None, settings, settings).problem
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__ if not name.startswith("_")}
    return NetworkProblem(**fields, given=given, settings=settings)
