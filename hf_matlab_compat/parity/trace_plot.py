"""Line plots of both sides' figures as inline SVG: no library, no script."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.parity.certificate import Traces

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 58, 8, 26, 28
TITLES = {"ll": "log-likelihood after the step", "rho": "reduction ratio rho", "lambda": "lambda (log scale)"}
_LOGARITHMIC = ("lambda",)
_TICKS = 4

Column = NDArray[np.float64]
Scale = Callable[[float], float]


def trace_plots(traces: Traces) -> list[str]:
    """One SVG a figure: the reference as a wide pale line, ours as a thin one on it, the envelope shaded."""
    return [_plot(name, traces) for name in TITLES if name in traces.ours and name in traces.reference]


def ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """Round values, about `count` of them, inside [low, high]."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 15) for i in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Logarithms of 1, 2 and 5 in every decade inside [low, high], or of 1 alone where that is enough."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    whole = [float(n) for n in powers if low <= n <= high]
    if len(whole) >= _TICKS - 1:
        return whole[:: math.ceil(len(whole) / (_TICKS + 1))]
    finer = [n + math.log10(m) for n in powers for m in (1, 2, 5)]
    return [value for value in finer if low <= value <= high]


def _plot(name: str, traces: Traces) -> str:
    ours, reference = (np.asarray(side[name], float) for side in (traces.ours, traces.reference))
    half = np.resize(np.asarray(traces.envelope.get(name, np.zeros(1)), float), reference.shape)
    shown = (lambda v: math.log10(v) if v > 0 else math.nan) if name in _LOGARITHMIC else (lambda v: v)
    ours, low, middle, high = (_mapped(shown, v) for v in (ours, reference - half, reference, reference + half))
    y, (bottom, top) = _vertical([ours, low, middle, high])
    x = _horizontal(max(len(ours), len(reference)))
    parts = [_title(name), *_grid(name, y, bottom, top), *_epochs(x, _numbers(traces, len(reference)))]
    if not np.isfinite([*ours, *middle]).any():
        return _empty(name, traces, "-Inf or NaN in every epoch")
    parts += _band(x, y, low, high)
    parts += [*_line(x, y, middle, "reference"), *_line(x, y, ours, "ours"), *_off_scale(x, ours)]
    label = f"{TITLES[name]} of {traces.case}, {traces.precision}: ours and the reference by epoch"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(label)}">{"".join(parts)}</svg>'


def _numbers(traces: Traces, count: int) -> list[int]:
    """Epochs, where the traces know them."""
    return [int(epoch) for epoch in traces.reference.get("epoch", np.arange(1, count + 1))]


def _empty(name: str, traces: Traces, why: str) -> str:
    note = f'<text x="{LEFT}" y="{HEIGHT / 2}">{why}</text>'
    label = _text(f"{TITLES[name]} of {traces.case}, {traces.precision}: {why}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{_title(name)}{note}</svg>'


def _mapped(shown: Scale, values: Column) -> Column:
    mapped = np.array([shown(float(v)) for v in values], float)
    return np.where(np.isfinite(mapped), mapped, np.nan)


def _vertical(columns: Sequence[Column]) -> tuple[Scale, tuple[float, float]]:
    finite = np.concatenate([column[np.isfinite(column)] for column in columns])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.1
    low, high = low - margin, high + margin
    span = HEIGHT - TOP - BOTTOM
    return (lambda v: TOP + span * (high - v) / (high - low)), (low, high)


def _horizontal(count: int) -> Scale:
    step = (WIDTH - LEFT - RIGHT - 16) / max(count - 1, 1)
    return lambda k: LEFT + 8 + step * k


def _grid(name: str, y: Scale, low: float, high: float) -> Iterator[str]:
    at = decades(low, high) if name in _LOGARITHMIC else ticks(low, high)
    labels = [f"{10**value:.3g}" for value in at] if name in _LOGARITHMIC else _labels(at)
    for value, label in zip(at, labels, strict=True):
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{label}</text>'


def _labels(at: Sequence[float]) -> list[str]:
    """As many digits as tell neighbours apart."""
    gap = min((b - a for a, b in pairwise(at)), default=1.0)
    digits = max(0, 1 - math.floor(math.log10(gap))) if gap < 1 else 1
    return [f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in at]


def _epochs(x: Scale, epochs: Sequence[int]) -> Iterator[str]:
    every = max(1, math.ceil(len(epochs) / 8))
    for k in range(0, len(epochs), every):
        yield f'<text class="tick" x="{x(k):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{epochs[k]}</text>'


def _band(x: Scale, y: Scale, low: Column, high: Column) -> Iterator[str]:
    known = [k for k in range(len(low)) if np.isfinite(low[k]) and np.isfinite(high[k])]
    if len(known) > 1:
        edge = [(x(k), y(float(high[k]))) for k in known] + [(x(k), y(float(low[k]))) for k in reversed(known)]
        yield f'<polygon class="envelope" points="{_points(edge)}"/>'


def _line(x: Scale, y: Scale, values: Column, side: str) -> Iterator[str]:
    """A polyline for each run of finite values, and a dot at each of them."""
    finite = np.flatnonzero(np.isfinite(values))
    for piece in np.split(finite, np.flatnonzero(np.diff(finite) > 1) + 1):
        points = [(x(int(k)), y(float(values[k]))) for k in piece]
        yield f'<polyline class="{side}" points="{_points(points)}"/>'
        yield from (f'<circle class="{side}" cx="{a:.1f}" cy="{b:.1f}" r="1.8"/>' for a, b in points)


def _off_scale(x: Scale, values: Column) -> Iterator[str]:
    """A mark at the foot for epochs without a finite value (rho = -Inf)."""
    for k in np.flatnonzero(~np.isfinite(values)):
        yield f'<text class="off" x="{x(int(k)):.1f}" y="{HEIGHT - BOTTOM - 2}" text-anchor="middle">▾</text>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)


def _title(name: str) -> str:
    return f'<text class="title" x="{LEFT}" y="14">{TITLES[name]}</text>'


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
