"""What only a device can show; the kernels and runs of `test_backends` are compared there too."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.backends import get_backend
from tests.backends.device_runs import small_run
from tests.parity.golden_bounds import distance


@pytest.mark.gpu
def test_tf32_changes_products_on_the_gpu_and_single_does_not() -> None:
    a = np.random.default_rng(0).standard_normal((256, 256))
    exact = a @ a
    errors = {}
    for precision in ("single", "tf32"):
        backend = get_backend("cupy", precision)
        with backend.quiet():
            errors[precision] = distance(backend.to_host(backend.xp.dot(backend.asarray(a), backend.asarray(a))), exact)
    assert errors["single"] < 1e-5 < errors["tf32"] < 1e-2


@pytest.mark.gpu
def test_streamed_cases_give_the_numbers_of_resident_ones_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    given = small_run(2400, backend="cupy")
    resident = train(**given)
    monkeypatch.setattr(type(get_backend("cupy")), "keeps", lambda self, numbers: False)
    np.testing.assert_array_equal(train(**given).theta, resident.theta)
