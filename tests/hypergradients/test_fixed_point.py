"""Fixed point with remainders, against Python's integers of any length."""

import numpy as np
import pytest

from hf_matlab_compat.hypergradients.fixed_point import Decaying, FixedPoint, RangeError
from hf_matlab_compat.hypergradients.remainders import Remainders

NUMERATORS = [1, 58983, 65535, np.array([1, 300, 58983, 65535])]


class ByPython:
    """The published recursion for one number, on integers of any length."""

    def __init__(self, i):
        self.i, self.store = int(i), 0

    def times(self, n, d):
        self.store = self.store * d + self.i % d
        self.i = self.i // d * n
        self.i += self.store % n
        self.store //= n


@pytest.mark.parametrize("n", NUMERATORS, ids=["1", "58983", "65535", "by parameter"])
def test_products_are_those_of_long_integers_and_are_undone_to_the_last_bit(n):
    rng = np.random.default_rng(0)
    values = rng.standard_normal(4) * [1e-12, 1, 1e3, -1e3]
    number = Decaying(values)
    oracles = [ByPython(i) for i in number.integers]
    each, kicks = np.broadcast_to(n, 4), rng.standard_normal((60, 4))
    for kick in kicks:
        number.multiply(n)
        number.add(kick)
        for oracle, factor, added in zip(oracles, each.tolist(), kick, strict=True):
            oracle.times(factor, 65536)
            oracle.i += int(added * 2**52)
    assert number.integers.tolist() == [oracle.i for oracle in oracles]
    assert number.remainders.integers == [oracle.store for oracle in oracles]
    for kick in kicks[::-1]:
        number.add(-kick)
        number.divide(n)
    assert number.integers.tolist() == [int(value * 2**52) for value in values]
    assert number.remainders.is_empty
    assert number.remainders.nbytes == 0


def test_a_product_is_off_by_less_than_the_numerator():
    number = Decaying(np.array([1.25, -3.7, 1e-14]))
    before = number.values
    number.multiply(58983)
    assert (abs(number.values - before * 58983 / 65536) < 65536 * 2.0**-52).all()


def test_the_store_grows_by_the_logarithm_of_the_factor():
    number, steps = Decaying(np.random.default_rng(1).standard_normal(500)), 400
    for _ in range(steps):
        number.multiply(58983)
    bits = sum(each.bit_length() for each in number.remainders.integers)
    assert bits / (500 * steps) == pytest.approx(np.log2(65536 / 58983), rel=0.02)
    assert number.remainders.nbytes <= 500 * 2 * np.ceil(steps * np.log2(65536 / 58983) / 16 + 1)


def test_a_store_gives_back_in_reverse_order():
    store, given = Remainders(3), np.random.default_rng(2).integers(0, 65536, (40, 3))
    numerators = [7, 65535, 40_000, 1] * 10
    rests = [store.exchange(low, n) for low, n in zip(given, numerators, strict=True)]
    assert not store.is_empty
    for low, n, rest in zip(given[::-1], numerators[::-1], rests[::-1], strict=True):
        assert (store.exchange_back(rest, n) == low).all()
    assert store.is_empty


def test_values_are_rounded_toward_zero():
    number = FixedPoint(np.array([0.3, -0.3]), fraction_bits=2)
    assert number.values.tolist() == [0.25, -0.25]


@pytest.mark.parametrize(("bits", "limit"), [(52, 2048), (40, 8388608)])
def test_numbers_outside_the_range_are_refused_before_they_are_added(bits, limit):
    number = FixedPoint(np.array([0.75 * limit, 0.0]), bits)
    for added in ([0.25 * limit, 0.0], [0.0, -limit], [np.nan, 0.0], [0.0, np.inf], [-0.75 * limit, -1.5 * limit]):
        with pytest.raises(RangeError):
            number.add(np.array(added))
    assert number.values.tolist() == [0.75 * limit, 0.0]
    number.add(np.array([0.2499 * limit, 0.0]))
