"""A feed-forward network on cases that are corrupted, or made, once for every epoch.

Within an epoch everything is one deterministic function of θ: gradient, products, backtracking, rho and line search
see the same draws, named by `Cases.draw`, the number of the epoch. Draw 0 is the clean network on the clean cases.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.answers import shown
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import DataError, OptionError, speaking
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.masked_passes import MaskedPasses
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block, ChunkedCases
from hf_matlab_compat.objective.curvature import NetworkCurvature
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score

Corrupt = Callable[[NDArray[Any], NDArray[np.int64], int], Any]
"""(inputs (s_0, n), numbers of these cases, epoch from 1) → inputs of the same shape, the same for the same call."""
Resample = Callable[[int], tuple[Any, Any]]
"""epoch from 1 → inputs and targets of all cases of that epoch, the same for the same epoch."""


def corruption_of(options: Options, num_hidden: int) -> Corruption:
    """Return the corruption that the options ask for.

    Raises
    ------
    OptionError
        `hidden_blankout` has another number of shares than the network has hidden layers.
    """
    given: Any = options.hidden_blankout
    shares: tuple[float, ...] = tuple(given) if isinstance(given, tuple) else (given,) * num_hidden  # pyright: ignore
    if len(shares) != num_hidden:
        expected = f"one number, or {num_hidden}, one for each hidden layer"
        raise OptionError("hidden_blankout", expected=expected, got=f"{len(shares)}")
    same = ("input_blankout", "input_noise", "input_dilation", "weight_noise")
    also = ("perturbed_weights", "perturbation", "perturb_form")
    settings: dict[str, Any] = {name: getattr(options, name) for name in (*same, *also)}
    return Corruption(seed=options.corruption_seed, hidden_blankout=shares, **settings)


class CorruptedPasses(CasePasses):
    """Passes over cases as the draw of `draw` corrupts them; draw 0 leaves them clean.

    Parameters are those of `CasePasses`, then:

    Parameters
    ----------
    network, cases, backend, make_sum
        As `CasePasses` takes them.
    corruption : Corruption
        What is drawn.
    corrupt : callable or None
        The caller's own change of the inputs, made first.
    """

    def __init__(
        self,
        network: Network,
        cases: ChunkedCases,
        backend: Backend,
        make_sum: Callable[..., OrderedSum],
        corruption: Corruption,
        corrupt: Corrupt | None = None,
    ) -> None:
        super().__init__(network, cases, backend, make_sum)
        self.draw = 0
        self._corruption, self._corrupt = corruption, corrupt
        self._changes_inputs = self.fill
        if corruption.needs_own_passes:
            self.passes = MaskedPasses(self.network, backend.xp, corruption.hidden_blankout)

    def fill(self, buffers: BlockBuffers, block: Block) -> None:
        """Write the corrupted inputs of a block to y_0, and draw the factors on its hidden units."""
        self.backend.fill(buffers.y[0], self._inputs(block))
        sizes = self.network.sizes[1:-1] if self.draw else ()
        runs = runs_of(block)
        factors = (
            (i, _joined([self._corruption.factors(i, size, first, count, self.draw - 1) for _, first, count in runs]))
            for i, size in enumerate(sizes, start=1)
        )
        buffers.masks = {i: self.backend.asarray(c, order="C") for i, c in factors if c is not None}

    def directions(self, theta: Vector) -> Directions:
        """Return θ as curvature products see it."""
        seen = theta
        if self.draw and self._corruption.perturbed_weights and self._corruption.perturb_form == "symmetric":
            seen = theta * self.backend.asarray(self._corruption.factors_of_weights(theta.size, self.draw - 1))
        made = super().directions(seen)
        self._theta, self._products = theta, 0
        return made

    def point(self, directions: Directions, v: Vector) -> None:
        """Take the direction of the next product; in the legacy form the way back sees other weights each time."""
        super().point(directions, v)
        if self.draw and self._corruption.perturbed_weights and self._corruption.perturb_form == "legacy":
            factors = self._corruption.factors_of_weights(self._theta.size, self.draw - 1, self._products)
            layers = self.network.with_biases(self._theta * self.backend.asarray(factors))
            directions.W = [w[:-1] for w in layers]
            self._products += 1

    def replace_cases(self, cases: ChunkedCases) -> None:
        """Pass over other cases from now on."""
        self.cases = cases
        self._blocks.clear()
        self._memories.clear()

    def _inputs(self, block: Block) -> Any:
        if not self.draw or not (self._corruption.of_inputs or self._corrupt):
            return block.inputs
        x = np.asarray(self.backend.to_host(self.backend.asarray(block.inputs)))
        if self._corrupt is not None:
            numbers = block.first + np.arange(len(block)) if block.numbers is None else block.numbers
            x = _corrupted(self._corrupt, x, numbers, self.draw)
        parts = [
            self._corruption.inputs(x[:, at : at + count], first, self.draw - 1) for at, first, count in runs_of(block)
        ]
        return _joined(parts)


def runs_of(block: Block) -> list[tuple[int, int, int]]:
    """Return the runs of neighbouring cases in a block: column and number of the first, and how many."""
    if block.numbers is None:
        return [(0, block.first, len(block))]
    starts = np.flatnonzero(np.diff(block.numbers, prepend=-2) != 1)
    counts = np.diff(starts, append=len(block))
    return [(int(at), int(block.numbers[at]), int(count)) for at, count in zip(starts, counts, strict=True)]


def _joined(parts: list[Any]) -> Any:
    """Return the parts side by side; None where they are."""
    return parts[0] if len(parts) == 1 or parts[0] is None else np.hstack(parts)


def _corrupted(corrupt: Corrupt, x: NDArray[Any], cases: NDArray[np.int64], epoch: int) -> NDArray[Any]:
    made = np.asarray(corrupt(x.copy(), cases, epoch))
    got = f"shape {made.shape} and type {made.dtype}"
    if made.shape == x.shape and made.dtype.kind in "fiub":
        made = made.astype(x.dtype, copy=False)
        if np.isfinite(made).all():
            return made
        got = "NaN or Inf"
    raise DataError("corrupt", expected=f"finite inputs of shape {x.shape} from it", got=got)


def _array(given: Any) -> NDArray[Any]:
    return np.asarray(given)


def check_hooks(corrupt: Any, resample: Any) -> None:
    """Refuse hooks that cannot be called as the problem calls them.

    Raises
    ------
    OptionError
        One is no function, or takes other arguments.
    """
    for name, hook, takes in (
        ("corrupt", corrupt, ("inputs", "cases", "epoch")),
        ("resample", resample, ("epoch",)),
    ):
        if hook is None:
            continue
        expected = f"a function of {', '.join(takes)}"
        if not callable(hook):
            raise OptionError(name, expected=expected, got=type(hook).__name__)
        try:
            inspect.signature(hook).bind(*takes)
        except TypeError as error:
            raise OptionError(name, expected=expected, got=f"one with other arguments ({error})") from None
        except ValueError:
            pass  # a built-in function that does not tell its arguments


@dataclass(frozen=True)
class CorruptedProblem:
    """A network on its cases, corrupted once for every epoch; see `Problem`.

    Attributes
    ----------
    clean : FeedforwardProblem
        The network on the clean cases.
    corruption : Corruption
        What is drawn.
    corrupt : callable or None
        The caller's own change of the inputs.
    resample : callable or None
        The caller's own cases of an epoch.
    check : callable
        (inputs, targets) → cases, or an error; checks what `resample` returns.
    """

    clean: FeedforwardProblem
    corruption: Corruption
    corrupt: Corrupt | None = None
    resample: Resample | None = None
    check: Callable[[Any, Any], ChunkedCases] | None = None
    is_random = True
    _inner: FeedforwardProblem = field(init=False, repr=False, compare=False)
    _passes: CorruptedPasses = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        def make(
            network: Network, cases: ChunkedCases, backend: Backend, make_sum: Callable[..., OrderedSum]
        ) -> CasePasses:
            made = CorruptedPasses(network, cases, backend, make_sum, self.corruption, self.corrupt)
            object.__setattr__(self, "_passes", made)
            return made

        object.__setattr__(self, "_inner", replace(self.clean, make_passes=make))

    @property
    def network(self) -> Network:
        """The network."""
        return self.clean.network

    @property
    def num_parameters(self) -> int:
        """P."""
        return self.clean.num_parameters

    @property
    def num_chunks(self) -> int:
        """C."""
        return self.clean.num_chunks

    @property
    def num_cases(self) -> int:
        """N."""
        return self.clean.num_cases

    def part(self, cases: NDArray[np.int64]) -> CorruptedProblem:
        """See `problem.Divisible`: every case is corrupted as it is among all cases."""

        def of_part(draw: int) -> tuple[Any, Any]:
            self._at(Cases(draw=draw))
            of_epoch = self._passes.cases
            return of_epoch.inputs[:, cases], of_epoch.targets[:, cases]

        resample = None if self.resample is None else of_part
        return replace(self, clean=self.clean.part(cases), resample=resample, check=None)

    def gradient_variance(self, theta: Vector, gradient: Gradient) -> float:
        """See `FeedforwardProblem.gradient_variance`; noise on θ leaves the weight decay's part inexact."""
        return self.clean.gradient_variance(theta, gradient)

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        return self._at(on).score(self._noisy(theta, on), on)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`."""
        return self._at(on).gradient(self._noisy(theta, on), on)

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `problem.ChunkGradient`."""
        return self._at(on).chunk_gradient(self._noisy(theta, on), on)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> NetworkCurvature:
        """See `Problem.curvature`."""
        return self._at(on).curvature(self._noisy(theta, on), on, gradient)

    def _at(self, on: Cases) -> FeedforwardProblem:
        """Return the problem with the draws of an epoch; kept passes belong to one epoch, so it may change in place."""
        passes = self._passes
        if passes.draw != on.draw:
            passes.draw = on.draw
            if self.resample is not None:
                passes.replace_cases(self._resampled(on.draw) if on.draw else self.clean.cases)
        return self._inner

    def _noisy(self, theta: Vector, on: Cases) -> Vector:
        if not on.draw or not self.corruption.weight_noise:
            return theta
        noise = self.corruption.noise_of_weights(theta.size, on.draw - 1)
        return theta + self.clean.backend.asarray(noise)

    def _resampled(self, draw: int) -> ChunkedCases:
        assert self.resample is not None
        before = self.clean.cases
        found: Any = self.resample(draw)
        if not isinstance(found, tuple | list) or len(cast("Sequence[Any]", found)) != 2:
            raise DataError("resample", expected="a pair (inputs, targets) from it", got=shown(found))
        inputs, targets = _array(found[0]), _array(found[1])
        if self.check is not None:
            with speaking({name: f"{name} from resample({draw})" for name in ("inputs", "targets")}):
                made = self.check(inputs, targets)
            inputs, targets = made.inputs, made.targets
        if (inputs.shape, targets.shape) != (before.inputs.shape, before.targets.shape):
            expected = f"inputs and targets of shapes {before.inputs.shape} and {before.targets.shape} from it"
            raise DataError("resample", expected=expected, got=f"{inputs.shape} and {targets.shape}")
        return replace(before, inputs=inputs, targets=targets)
