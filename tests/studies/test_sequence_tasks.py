"""Every rule of the tasks' table: lengths, windows, symbols, targets, steps with a loss, and what counts as wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.sequence_tasks import JUDGED, TASKS, TRAINING, WATCHED, Sequences, Task, task

lengths = st.integers(10, 130)
seeds = st.integers(0, 2**64 - 1)
PAIRS = ("addition", "multiplication", "xor")


def symbols_of(one_hot: np.ndarray) -> np.ndarray:
    """Return the symbols 1 … of (size, T, N), as (T, N); every column has one."""
    assert (one_hot.sum(axis=0) == 1).all()
    return 1 + one_hot.argmax(axis=0)


def last_targets(data: Sequences) -> np.ndarray:
    """Return the targets (O, N) at the last step, which must be the only ones."""
    n = np.arange(len(data.lengths))
    expected = np.zeros_like(data.loss_weights)
    expected[data.lengths - 1, n] = 1
    assert np.array_equal(data.loss_weights, expected)
    assert not data.targets[:, data.loss_weights == 0].any()
    return data.targets[:, data.lengths - 1, n]


@pytest.mark.parametrize("name", PAIRS)
@given(lengths, seeds)
@settings(max_examples=20, deadline=None)
def test_two_values_are_marked_and_combined_at_the_end(name: str, T: int, seed: int) -> None:
    data = TASKS[name].sequences(T, 40, seed)
    assert data.inputs.shape == (2, int(1.1 * T + 1e-9), 40)
    assert (data.lengths >= T).all()
    answers = last_targets(data)[0]
    for n, length in enumerate(data.lengths):
        values, marks = data.inputs[:, :, n]
        assert not values[length:].any()
        i, j = 1 + np.flatnonzero(marks)
        assert set(marks) == {0, 1}
        assert 1 <= i <= length // 10 < j <= length // 2
        a, b = float(values[i - 1]), float(values[j - 1])
        expected = {"addition": (a + b) / 2, "multiplication": a * b, "xor": a != b}[name]
        assert answers[n] == np.float32(expected)
        if name == "xor":
            assert set(values) <= {0, 1}


def test_lengths_marks_and_bits_take_all_their_values_and_no_value_too_often() -> None:
    data = TASKS["xor"].sequences(30, 8000, 5)
    assert np.bincount(data.lengths)[30:].tolist() == pytest.approx([2000] * 4, abs=200)
    at = 1 + np.argsort(-data.inputs[1], axis=0, kind="stable")[:2]
    first, second = np.sort(at, axis=0)
    assert np.bincount(first)[1:].tolist() == pytest.approx([2667] * 3, abs=200)
    short = second[data.lengths < 32]
    assert np.bincount(short)[4:].tolist() == pytest.approx([len(short) / 12] * 12, abs=90)  # 4 … 15
    assert data.inputs[0].sum() / data.lengths.sum() == pytest.approx(0.5, abs=0.01)
    assert data.targets.sum() == pytest.approx(4000, abs=200)
    assert TASKS["addition"].sequences(30, 8000, 5).inputs[0].max() > 0.9999


@pytest.mark.parametrize(
    ("name", "windows"),
    [("temporal_order", [(1, 2), (5, 6)]), ("temporal_order_3", [(1, 2), (3, 4), (6, 7)])],
)
@given(T=lengths, seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_order_of_special_symbols_is_the_class(
    name: str, windows: list[tuple[int, int]], T: int, seed: int
) -> None:
    data = TASKS[name].sequences(T, 40, seed)
    symbols = symbols_of(data.inputs)
    assert symbols.shape == (T, 40)
    assert data.inputs.shape[0] == 6
    answers = last_targets(data)
    assert answers.shape[0] == 2 ** len(windows)
    for n in range(40):
        at = 1 + np.flatnonzero(symbols[:, n] <= 2)
        specials = symbols[at - 1, n] - 1
        assert len(at) == len(windows)
        for step, (first, last) in zip(at, windows, strict=True):
            assert first * T // 10 <= step <= last * T // 10
        assert answers[:, n].argmax() == int("".join(map(str, specials)), 2)
        assert answers[:, n].sum() == 1


def test_windows_and_noise_symbols_are_uniform() -> None:
    symbols = symbols_of(TASKS["temporal_order"].sequences(30, 8000, 5).inputs)
    at = 1 + np.argsort(symbols > 2, axis=0, kind="stable")[:2]
    assert np.bincount(at.min(axis=0))[3:].tolist() == pytest.approx([2000] * 4, abs=200)  # 3 … 6
    assert np.bincount(at.max(axis=0))[15:].tolist() == pytest.approx([2000] * 4, abs=200)  # 15 … 18
    assert np.bincount(symbols.ravel())[1:3].tolist() == pytest.approx([8000] * 2, abs=400)
    assert np.bincount(symbols.ravel())[3:].tolist() == pytest.approx([56000] * 4, rel=0.02)


@given(lengths, seeds)
@settings(max_examples=20, deadline=None)
def test_a_permutation_ends_with_its_first_symbol_and_is_predicted_at_every_step(T: int, seed: int) -> None:
    data = TASKS["random_permutation"].sequences(T, 20, seed)
    symbols = symbols_of(data.inputs)
    assert data.inputs.shape == (100, T, 20)
    assert set(symbols[0]) <= {1, 2}
    assert (symbols[0] == symbols[-1]).all()
    assert symbols[1:-1].min() >= 3
    assert np.array_equal(symbols_of(data.targets[:, :-1]), symbols[1:])
    assert not data.targets[:, -1].any()
    assert np.array_equal(data.loss_weights[:, 0], [1] * (T - 1) + [0])
    assert np.array_equal(data.loss_weights, np.tile(data.loss_weights[:, :1], 20))


@pytest.mark.parametrize(("name", "values", "symbols"), [("memory_5", 2, 5), ("memory_20", 5, 10)])
@given(T=lengths, seed=seeds)
@settings(max_examples=10, deadline=None)
def test_symbols_are_recalled_after_the_trigger(name: str, values: int, symbols: int, T: int, seed: int) -> None:
    data = TASKS[name].sequences(T, 32, seed)
    shown, asked = symbols_of(data.inputs), symbols_of(data.targets)
    blank, trigger, steps = values + 1, values + 2, T + 2 * symbols
    assert data.inputs.shape == (values + 2, steps, 32)
    assert data.targets.shape == (values + 1, steps, 32)
    assert (data.loss_weights == 1).all()
    assert (data.lengths == steps).all()
    assert shown[:symbols].max() <= values
    assert (shown[T + symbols - 1] == trigger).all()
    assert (np.delete(shown[symbols:], T - 1, axis=0) == blank).all()
    assert (asked[: T + symbols] == blank).all()
    assert np.array_equal(asked[T + symbols :], shown[:symbols])


def test_the_five_bits_are_all_32_strings_and_twenty_bits_are_drawn() -> None:
    bits = symbols_of(TASKS["memory_5"].sequences(30, 32, 0).inputs)[:5]
    assert len({tuple(string) for string in bits.T}) == 32
    drawn = symbols_of(TASKS["memory_20"].sequences(10, 4000, 0).inputs)[:10]
    assert np.bincount(drawn.ravel())[1:].tolist() == pytest.approx([8000] * 5, abs=400)


@pytest.mark.parametrize("name", TASKS)
def test_sequences_are_a_function_of_their_key_and_of_their_number(name: str) -> None:
    def drawn(count: int, seed: int = 3, **key: int) -> Sequences:
        return TASKS[name].sequences(20, count, seed, **key)

    def same(a: Sequences, b: Sequences) -> bool:
        return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))

    whole = drawn(50, epoch=2)
    assert same(whole, drawn(50, epoch=2))
    assert all(part.dtype == np.float32 for part in (whole.inputs, whole.targets, whole.loss_weights))
    if name == "memory_5":
        return
    few = drawn(20, epoch=2)
    assert same(few, Sequences(*(part[..., :20] for part in whole)))
    others = [drawn(50, epoch=3), drawn(50, seed=4, epoch=2)]
    others += [drawn(50, epoch=2, purpose=purpose) for purpose in (WATCHED, JUDGED)]
    assert not any(same(whole, other) for other in others)
    assert same(whole, drawn(50, epoch=2, purpose=TRAINING))


def wrong(each: Task, data: Sequences, outputs: np.ndarray) -> list[int]:
    """Return the numbers of the wrong sequences."""
    return np.flatnonzero(each.wrong(outputs, data)).tolist()


@pytest.mark.parametrize("name", ["addition", "multiplication"])
def test_a_real_output_is_wrong_beyond_four_hundredths_at_the_last_step(name: str) -> None:
    data = TASKS[name].sequences(20, 6, 0)
    outputs = data.targets.astype(float)
    outputs[0, data.lengths - 1, np.arange(6)] += [0.039, 0.041, -0.039, -0.041, 0, 1]
    outputs[:, :9] = 7  # no loss there
    assert wrong(TASKS[name], data, outputs) == [1, 3, 5]


def test_a_bit_is_wrong_on_the_other_side_of_one_half() -> None:
    data = TASKS["xor"].sequences(20, 8, 0)
    bits = data.targets[0, data.lengths - 1, np.arange(8)]
    assert 0 < bits.sum() < 8
    outputs = np.full_like(data.targets, 0.9)
    assert wrong(TASKS["xor"], data, outputs) == np.flatnonzero(bits == 0).tolist()
    outputs[...] = 0.49
    assert wrong(TASKS["xor"], data, outputs) == np.flatnonzero(bits == 1).tolist()


@pytest.mark.parametrize(
    ("name", "step"), [("temporal_order", -1), ("temporal_order_3", -1), ("random_permutation", -2)]
)
def test_a_class_is_wrong_where_another_is_more_probable_at_the_last_step_with_a_target(name: str, step: int) -> None:
    data = TASKS[name].sequences(20, 5, 0)
    outputs = 0.4 * data.targets
    outputs[:, :step] = 0.0
    outputs[0, :step] = 1.0  # mistakes at steps that do not count
    outputs[(data.targets[:, step, 2].argmax() + 1) % len(outputs), step, 2] = 0.41
    assert wrong(TASKS[name], data, outputs) == [2]


@pytest.mark.parametrize("name", ["memory_5", "memory_20"])
@pytest.mark.parametrize("step", [0, 7, -1])
def test_a_recalled_string_is_wrong_where_any_output_is(name: str, step: int) -> None:
    data = TASKS[name].sequences(20, 32, 0)
    outputs = data.targets.copy()
    outputs[:, step, 30] = np.roll(outputs[:, step, 30], 1)
    assert wrong(TASKS[name], data, outputs) == [30]


def test_what_cannot_be_drawn_is_refused_in_a_sentence() -> None:
    with pytest.raises(OptionError, match="length: expected a whole number of at least 10, got 9"):
        TASKS["xor"].sequences(9, 4, 0)
    with pytest.raises(OptionError, match="count: expected a whole number of at least 1, got 0"):
        TASKS["xor"].sequences(10, 0, 0)
    with pytest.raises(OptionError, match=r"task: expected one of 'addition', .*, got 'adding'"):
        task("adding")
