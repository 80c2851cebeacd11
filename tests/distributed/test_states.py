"""Shared parameters in a folder and in Redis: versions, order, refusals, replay."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.distributed import Delta, FolderState, Keeper, Masked, open_state, replay
from hf_matlab_compat.distributed.packets import encode
from hf_matlab_compat.distributed.shared_state import StoredState
from hf_matlab_compat.distributed.status import status
from hf_matlab_compat.errors import NotFinite, OptionError, SharedStateError
from tests.distributed.redis_server import RedisServer

START = np.array([0.5, 1, 2], np.float32)
ONE = np.ones(3, np.float32)
Opened = Callable[..., StoredState]


@contextmanager
def kept(state: StoredState, *rule: Any, versions: int, idle: float = 20, **settings: Any) -> Iterator[list[Any]]:
    """Keep a run up to a version in a thread; the list gets what the keeper returned or raised."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(Keeper(state, *rule, **settings).run(versions, idle))
        except (SharedStateError, OptionError) as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield found
    thread.join(30)
    assert not thread.is_alive()


def pushed(state: StoredState, step: np.ndarray) -> int:
    """Fetch, add a step, and push."""
    base, seen = state.fetch()
    return state.push(base, seen, seen + step, {"log_likelihood": -1.0, "error": 0.5, "lam": 2.0, "seconds": 0.1})


def test_updates_are_merged_in_order_counted_and_replayed(opened: Opened) -> None:
    first, second = opened("1/2"), opened("2/2")
    with kept(opened(), Delta(), versions=4) as found:
        for state in (first, second):
            state.join(START, {"sizes": [1, 1, 1]})
        assert first.fetch().version == 0
        base, seen = second.fetch()
        assert pushed(first, ONE) == 1
        assert pushed(first, 2 * ONE) == 2
        assert second.push(base, seen, seen + 4 * ONE) == 3  # it has not seen the others' updates
        assert not second.wait(4, 0.05)
        threading.Timer(0.1, pushed, (first, ONE)).start()
        assert second.wait(4, 10)
    assert np.array_equal(second.fetch().theta, START + 8 * ONE)
    assert found[0].version == 4
    assert np.array_equal(found[0].records[:2], [[-1, np.nan, 0.5, np.nan, 2, 0.1]] * 2, equal_nan=True)
    made = replay(opened())
    assert (made.start, made.kept.version, made.equal) == (0, 4, True)
    lines = status(first).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[4] == "version  4, 0 updates waiting"
    assert re.fullmatch(r"2/2 +1 +2\.00 +100 % +\d+ s ago", lines[-1])
    assert re.fullmatch(r"1/2 +3 +0\.00 +100 % +\d+ s ago", lines[-2])


def test_the_mask_protects_what_others_have_written(opened: Opened) -> None:
    first, second = opened("1/2"), opened("2/2")
    with kept(opened(), Masked(), versions=2) as found:
        for state in (first, second):
            state.join(START, {})
        base, seen = second.fetch()
        pushed(first, np.array([1, 0, 0], np.float32))
        second.push(base, seen, seen + 4 * ONE)
    assert np.array_equal(found[0].theta, START + np.array([1, 4, 4], np.float32))
    assert found[0].workers["2/2"]["written"] == pytest.approx(2 / 3)
    assert replay(opened()).equal


def test_a_run_has_one_keeper_and_goes_on_with_the_next(opened: Opened) -> None:
    worker = opened("1/1")
    with kept(opened(), Delta(0.5), versions=1, record=0):
        worker.join(START, {})
        with pytest.raises(
            SharedStateError, match=r"expected a run without a keeper, got one that process \d+ on .* keeps"
        ):
            Keeper(opened()).run(1)
        assert "process" in opened().keeper()
        pushed(worker, ONE)
    assert opened().keeper() == ""
    with pytest.raises(OptionError, match=r"merge: expected delta, portion 0.5, the rule of this run, got masked, tol"):
        Keeper(opened(), Masked()).run(1)
    with kept(opened(), versions=2) as found:
        pushed(worker, ONE)
    assert np.array_equal(found[0].theta, START + ONE)
    assert replay(opened()).kept.version == 2


def test_the_record_is_cut_at_a_version_from_which_it_still_replays(opened: Opened) -> None:
    worker = opened("1/1")
    with kept(opened(), Delta(), versions=7, record=2):
        worker.join(START, {})
        for _ in range(7):
            pushed(worker, ONE)
    made = replay(opened())
    assert (made.start, made.kept.version, made.equal) == (4, 7, True)
    assert opened().waiting("") <= 4  # Redis keeps the entry at which the record begins


def test_another_network_dtype_or_layers_are_refused(opened: Opened) -> None:
    with kept(opened(), versions=0):
        opened().join(START, {"sizes": [1, 1, 1]})
    with pytest.raises(SharedStateError, match="expected 3 of float32, the parameters of this run, got 3 of float64"):
        opened().join(START.astype(float), {})
    with pytest.raises(SharedStateError, match="expected 3 of float32, the parameters of this run, got 4 of float32"):
        opened().join(np.zeros(4, np.float32), {})
    with pytest.raises(SharedStateError, match="expected the layers of this run, 1 1 1, got 3 1"):
        opened().join(START, {"sizes": [3, 1]})


def test_without_a_keeper_a_worker_waits_and_says_so(opened: Opened) -> None:
    worker = opened("1/1", patience=0.2)
    with pytest.raises(
        SharedStateError, match=r"expected a run that a keeper has begun, got none\. Start one: hf-comp"
    ):
        worker.join(START, {})
    with kept(opened(), versions=0):
        worker.join(START, {})
    with pytest.raises(
        SharedStateError, match=r"expected a keeper that applies an update, got none\. The update is in"
    ):
        pushed(worker, ONE)
    with pytest.raises(NotFinite):
        pushed(worker, np.full(3, np.nan, np.float32))
    with kept(opened(), versions=1):
        assert opened().wait(1, 10)  # the update was in the record


@pytest.mark.parametrize(
    ("packet", "sentence"),
    [
        (b"rubbish", "expected a packet of this package as it was written, got 7 bytes of something else"),
        (encode({}, [ONE])[:-1], "expected a packet of this package as it was written, got .* another checksum"),
        (encode({}, [ONE, ONE]), "expected vectors 3 of float32, got 3 of float32, 3 of float32"),
        (encode({}, [np.zeros(3)]), "expected vectors 3 of float32, got 3 of float64"),
        (encode({}, [np.inf * ONE]), "expected finite numbers, got NaN or Inf"),
    ],
    ids=["rubbish", "torn", "rule", "dtype", "infinite"],
)
def test_a_damaged_update_is_refused_by_its_name_and_can_be_skipped(
    opened: Opened, packet: bytes, sentence: str
) -> None:
    worker, name = opened("1/1"), ""
    with kept(opened(), Delta(), versions=9) as found:
        worker.join(START, {})
        pushed(worker, ONE)
        opened().append(packet)
    assert re.search(sentence, str(found[0]))
    name = re.search(r"update (\S+): .* hf-compat share keep --skip \1 goes on without it\.", str(found[0]))[1]
    with kept(opened(), versions=2, skip=[name]) as found:
        pushed(worker, ONE)
    assert (found[0].version, found[0].skipped) == (2, (name,))
    assert replay(opened()).equal


def test_an_update_that_is_sent_twice_is_applied_once(opened: Opened) -> None:
    worker, keeper = opened("1/1"), opened()
    told = {"worker": "1/1", "process": "a", "number": 1, "base": 0, "time": 0.0, "figures": {}}
    with kept(keeper, Delta(), versions=2) as found:
        worker.join(START, {})
        for number, step in ((1, 1), (1, 1), (2, 4)):
            worker.append(encode({**told, "number": number}, [step * ONE]))
    assert np.array_equal(found[0].theta, START + 5 * ONE)
    assert replay(opened()).equal


def test_processes_that_append_at_once_get_numbers_of_their_own(opened: Opened) -> None:
    states = [opened(str(k)) for k in range(4)]
    threads = [
        threading.Thread(target=lambda state=state, k=k: [state.append(b"%d %d" % (k, n)) for n in range(25)])
        for k, state in enumerate(states)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found, last = list[bytes](), ""
    while entries := states[0].after(last, 0):
        found += [packet for _, packet in entries]
        last = entries[-1][0]
    assert sorted(found) == sorted(b"%d %d" % (k, n) for k in range(4) for n in range(25))
    assert [packet for packet in found if packet[:1] == b"2"] == [b"2 %d" % n for n in range(25)]


def test_a_torn_file_is_refused_by_its_name(tmp_path: Path) -> None:
    state = FolderState(tmp_path, "1/1", durable=False)
    with kept(FolderState(tmp_path), versions=1):
        state.join(START, {})
        pushed(state, ONE)
    for what in ("setup", "start", "state", "updates/000000000001"):
        whole = (tmp_path / what).read_bytes()
        (tmp_path / what).write_bytes(whole[:-9])
        with pytest.raises(
            SharedStateError, match=f"{what.split('/')[-1]}: expected a packet of this package as it was"
        ):
            replay(FolderState(tmp_path))
        (tmp_path / what).write_bytes(whole)
    assert replay(FolderState(tmp_path)).equal
    (tmp_path / "updates/000000000001").unlink()
    with pytest.raises(SharedStateError, match="expected update 000000000001 in the record, got none after 0"):
        replay(FolderState(tmp_path))


def test_a_state_that_was_removed_is_made_again_from_the_record(tmp_path: Path) -> None:
    state = FolderState(tmp_path, "1/1", durable=False)
    with kept(FolderState(tmp_path), Delta(1 / 3), versions=3):
        state.join(START, {})
        for _ in range(3):
            pushed(state, ONE)
    before = (tmp_path / "state").read_bytes()
    (tmp_path / "state").unlink()
    assert Keeper(FolderState(tmp_path)).run(3, idle=5) is not None
    assert (tmp_path / "state").read_bytes() == before


def test_a_changed_state_does_not_replay(tmp_path: Path) -> None:
    state = FolderState(tmp_path, "1/1", durable=False)
    with kept(FolderState(tmp_path), versions=1) as found:
        state.join(START, {})
        pushed(state, ONE)
    changed = found[0].theta.copy()
    changed[0] = np.nextafter(changed[0], np.float32(9))
    state.commit(replace(found[0], theta=changed).packet(), 1)
    assert not replay(FolderState(tmp_path)).equal


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SharedStateError, match=r"expected a folder that can be read and written, got '(Not a dir|File ex)"
    ):
        FolderState(tmp_path / "file")
    with pytest.raises(SharedStateError, match="expected a folder of shared parameters, got no such folder"):
        open_state(str(tmp_path / "none"), new=False)
    with pytest.raises(OptionError, match="patience: expected a finite number of seconds"):
        open_state(str(tmp_path), patience=float("nan"))
    with pytest.raises(OptionError, match="record: expected a whole number of at least 0, got -1"):
        Keeper(FolderState(tmp_path), record=-1)


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:1",
        "http://h/run",
        "redis://h:x/run",
        "redis:///run",
        "redis://h/a/b",
        "redis://h/1/2/c",
        "redis://h/a?b=1",
    ],
)
def test_addresses_of_another_form_are_refused(url: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(OptionError, match=r"state: expected redis://host:port/run, with the name of the run, got"):
        open_state(url)


def test_a_server_that_is_absent_or_wants_a_password_is_named(tmp_path: Path, server: RedisServer) -> None:
    absent = server.url().replace(str(server.port), "1")
    with pytest.raises(SharedStateError, match=r"^redis://127.0.0.1:1/run: expected a Redis server that answers, got"):
        open_state(absent, patience=0)
    locked = RedisServer(tmp_path, "--requirepass", "secret")
    try:
        for password in ("", "wrong"):
            with pytest.raises(
                SharedStateError, match="expected the server's password, got a wrong one or none"
            ) as said:
                open_state(locked.url(password=password), patience=0)
            assert "wrong@" not in str(said.value)
        open_state(locked.url(password="secret"), patience=0).close()
        with pytest.raises(OptionError) as refused:
            open_state("redis://:secret@h:1")
        assert "secret" not in str(refused.value)
    finally:
        locked.kill()


def test_more_than_redis_takes_as_one_value_is_refused(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_matlab_compat.distributed.redis_state.MOST", 1 << 20)
    state = open_state(server.url("large"), patience=5)
    refused = pytest.raises(SharedStateError, match="expected at most 1 MiB, which Redis takes as one value, got 4")
    worker = open_state(server.url("large"), patience=5)
    with kept(state, versions=0, idle=0.5), refused:
        worker.join(np.zeros(1 << 20, np.float32), {})
    worker.close()
    state.close()


def test_an_update_that_a_server_lost_is_sent_again(server: RedisServer) -> None:
    url = server.url("lost")
    keeper, worker, other = (open_state(url, "1/1", patience=10) for _ in range(3))
    with kept(keeper, Delta(), versions=0):
        worker.join(START, {})
    thread = threading.Thread(target=pushed, args=(worker, ONE))
    thread.start()
    while not other.waiting(""):
        time.sleep(0.01)
    other._as_keeper(lambda pipe: pipe.xtrim("lost:updates", maxlen=0, approximate=False))  # type: ignore[attr-defined]
    assert not other.waiting("")
    worker._gaps += 1  # what a question without an answer does
    other._as_keeper(lambda pipe: pipe.delete("lost:keeper"))  # type: ignore[attr-defined]
    with kept(keeper, versions=1) as found:
        thread.join(20)
    assert np.array_equal(found[0].theta, START + ONE)
    for state in (keeper, worker, other):
        state.close()


def test_a_keeper_whose_lease_another_process_has_taken_changes_nothing(server: RedisServer) -> None:
    first, second = (open_state(server.url("lease"), patience=5) for _ in range(2))
    with first.keeping():
        first.commit(b"first", 1)
        with pytest.raises(SharedStateError, match="expected a run without a keeper, got one that process"):
            second.commit(b"second", 2)
        assert first.read("state") == b"first"
        first._as_keeper(lambda pipe: pipe.delete("lease:keeper"))  # type: ignore[attr-defined]
        with second.keeping():
            with pytest.raises(SharedStateError, match="expected a run without a keeper, got one that process"):
                first.commit(b"first", 2)
            second.commit(b"second", 2)
    assert first.read("state") == b"second"
    for state in (first, second):
        state.close()


def test_a_server_that_has_forgotten_the_run_is_noticed(tmp_path: Path) -> None:
    forgetful = RedisServer(tmp_path, "--appendonly", "no")
    try:
        keeper = open_state(forgetful.url(), patience=5)
        assert "the server keeps the run in memory only" in keeper.warning()
        worker = open_state(forgetful.url(), "1/1", patience=5)
        with kept(keeper, Delta(), versions=9) as found:
            worker.join(START, {})
            for _ in range(3):
                pushed(worker, ONE)
            forgetful.kill()
            forgetful.start()
        assert "expected version 3, got 0: the server was started again and has lost data" in str(found[0])
        worker.close()
        keeper.close()
    finally:
        forgetful.kill()
