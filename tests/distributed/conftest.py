"""A Redis server for the tests that need one, and shared parameters in either store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from hf_matlab_compat.distributed import open_state
from hf_matlab_compat.distributed.shared_state import StoredState
from tests.distributed.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the tests of a module, each of which uses runs of its own."""
    started = RedisServer(tmp_path_factory.mktemp("redis"))
    yield started
    started.kill()


@pytest.fixture(params=["folder", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., StoredState]]:
    """Return a function that opens the same new shared parameters for another process or thread."""
    if request.param == "folder":
        address, own = str(tmp_path / "shared"), {"durable": False}
    else:
        address, own = request.getfixturevalue("server").url(f"run{token_hex(4)}"), {}
    made: list[StoredState] = []

    def open_again(worker: str = "", patience: float = 10) -> StoredState:
        made.append(open_state(address, worker, patience=patience, **own))
        return made[-1]

    yield open_again
    for state in made:
        state.close()
