"""Shared parameters in Redis: a stream of updates, which one keeper applies, and keys that hold the newest version.

The truth is in the keys ``<run>:state``, ``:start``, ``:setup`` and the stream ``<run>:updates``; messages on the
channel ``<run>:versions`` only wake who waits, since Redis forgets a message that nobody hears.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib import import_module
from secrets import token_hex
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from hf_matlab_compat.distributed.shared_state import AnotherKeeper, StoredState
from hf_matlab_compat.errors import OptionError, SharedStateError

Answer = TypeVar("Answer")

LEASE = 5.0
"""Seconds for which a keeper is believed to be alive after it last said so."""

MOST = 512 << 20
"""Bytes that Redis takes as one value."""

_KEYS = ("setup", "start", "state", "version", "updates", "versions", "keeper")
_AT_ONCE, _FIRST = 16, "0-0"
_RETRY_AFTER = 0.1


class RedisState(StoredState):
    """Shared parameters in Redis 5 or later. A server that does not answer is asked again for `patience` seconds.

    Parameters
    ----------
    url : str
        ``redis://[[user]:password@]host[:port][/db]/run``, or ``rediss://`` with TLS. A password may also be in the
        environment, as ``REDISCLI_AUTH``.
    worker : str
        Name of this worker; by default host and process.
    patience : float
        Seconds to wait for the keeper, or for a server that does not answer.

    Raises
    ------
    OptionError
        The URL has another form, or the package redis is missing.
    SharedStateError
        There is no such server, or it refuses.
    """

    def __init__(self, url: str, worker: str = "", *, patience: float = 60.0) -> None:
        self._redis, self._errors = _package()
        where, run, shown = _parsed(url)
        super().__init__(shown, worker, patience)
        none = self._redis.retry.Retry(self._redis.backoff.NoBackoff(), 0)  # `_asked` asks again
        self._server = self._redis.Redis(**where, socket_connect_timeout=5, socket_timeout=30, retry=none, protocol=2)
        self._keys = {what: f"{run}:{what}" for what in _KEYS}
        self._listening: Any = None
        self._token, self._since = token_hex(12), f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        self._asked(lambda server: server.ping(), patience=0)

    def read(self, what: str, most: int | None = None) -> bytes | None:
        """See `StoredState.read`."""
        key = self._keys[what]
        if most is None:
            return self._asked(lambda server: server.get(key))
        return self._asked(lambda server: server.getrange(key, 0, most - 1)) or None

    def create(self, what: str, packet: bytes) -> bool:
        """See `StoredState.create`."""
        self._check_size(packet)
        return bool(self._asked(lambda server: server.set(self._keys[what], packet, nx=True)))

    def append(self, packet: bytes) -> None:
        """See `StoredState.append`; an update that is sent twice, as its answer was lost, is applied once."""
        self._check_size(packet)
        self._asked(lambda server: server.xadd(self._keys["updates"], {"update": packet}))

    def after(self, last: str, seconds: float) -> Sequence[tuple[str, bytes]]:
        """See `StoredState.after`."""
        wait = max(1, int(1000 * min(seconds, 1.0)))
        found = self._asked(
            lambda server: server.xread({self._keys["updates"]: last or _FIRST}, count=_AT_ONCE, block=wait)
        )
        return [(name.decode(), fields.get(b"update", b"")) for _, entries in found or () for name, fields in entries]

    def commit(self, packet: bytes, version: int) -> None:
        """See `StoredState.commit`: one transaction, which fails if another process became the keeper."""

        def change(pipe: Any) -> None:
            pipe.set(self._keys["state"], packet)
            pipe.set(self._keys["version"], version)
            pipe.publish(self._keys["versions"], version)

        self._as_keeper(change, expected=(version - 1, version))  # this one if it is made again after a lost answer

    def forget(self, start: bytes, last: str) -> None:
        """See `StoredState.forget`. Redis keeps the entry `last` itself; readers begin after it."""

        def change(pipe: Any) -> None:
            pipe.set(self._keys["start"], start)
            pipe.xtrim(self._keys["updates"], minid=last, approximate=False)

        self._as_keeper(change)

    def pause(self, seconds: float) -> None:
        """See `StoredState.pause`: until a version is published, or a second has passed."""
        if self._listening is None:
            self._listening = self._server.pubsub(ignore_subscribe_messages=True)
            self._asked(lambda _: self._listening.subscribe(self._keys["versions"]))
            return  # a version may have been published before: look again first
        try:
            self._listening.get_message(timeout=max(0.0, min(seconds, 1.0)))
        except self._errors.RedisError:  # subscribe again next time; the next question tells whether the server is gone
            self._listening.close()
            self._listening = None
            time.sleep(min(seconds, _RETRY_AFTER))

    def stay(self, version: int) -> None:
        """See `StoredState.stay`."""
        self._as_keeper(lambda pipe: None, expected=(version,))

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """See `StoredState.keeping`. The lease of a keeper that was killed ends after `LEASE` seconds.

        Raises
        ------
        AnotherKeeper
            Another process keeps the run.
        """
        first, end = self._lease(), time.monotonic() + LEASE + 1
        while not self._asked(
            lambda server: server.set(self._keys["keeper"], self._beat(), nx=True, px=int(1000 * LEASE))
        ):
            if self._lease() not in (None, first) or time.monotonic() > end:
                raise AnotherKeeper(self.name, self.keeper() or "another process")
            time.sleep(_RETRY_AFTER)
        try:
            yield
        finally:
            with suppress(SharedStateError):
                self._as_keeper(lambda pipe: pipe.delete(self._keys["keeper"]), patience=0)

    def keeper(self) -> str:
        """See `StoredState.keeper`."""
        return _in_words(self._lease())

    def warning(self) -> str:
        """See `StoredState.warning`; empty too if the server does not say."""
        advice = "Start it with --appendonly yes --appendfsync always."
        with suppress(SharedStateError):
            if self._asked(lambda server: server.info("persistence")).get("aof_enabled") == 0:
                return f"{self.name}: the server keeps the run in memory only and loses it when it is killed. {advice}"
            # with 'everysec' it answers before it writes while the disk is busy
            if self._asked(lambda server: server.config_get("appendfsync")).get("appendfsync") != "always":
                return f"{self.name}: the server may lose the last two seconds when it is killed. {advice}"
        return ""

    def waiting(self, last: str) -> int:
        """Return the number of updates after the one of this name, up to 1000."""
        first = f"({last or _FIRST}"
        return len(self._asked(lambda server: server.xrange(self._keys["updates"], min=first, count=1000)))

    def close(self) -> None:
        """See `StoredState.close`."""
        if self._listening is not None:
            self._listening.close()
        self._server.close()

    def _check_size(self, packet: bytes) -> None:
        if len(packet) > MOST:
            raise SharedStateError(
                f"{self.name}: expected at most {MOST >> 20} MiB, which Redis takes as one value, got "
                f"{len(packet) >> 20}. Share a folder."
            )

    def _lease(self) -> bytes | None:
        return self._asked(lambda server: server.get(self._keys["keeper"]))

    def _beat(self) -> str:
        owner = {"host": socket.gethostname(), "process": os.getpid(), "since": self._since}
        return json.dumps({**owner, "token": self._token, "beat": time.time()})

    def _as_keeper(
        self, change: Callable[[Any], object], patience: float | None = None, expected: Sequence[int] = ()
    ) -> None:
        """Renew the lease and make a change, in one transaction.

        Raises
        ------
        AnotherKeeper
            Another process has become the keeper.
        SharedStateError
            The server has another version than the expected ones.
        """
        key = self._keys["keeper"]

        def transaction(server: Any) -> None:
            with server.pipeline() as pipe:
                pipe.watch(key)
                owner = pipe.get(key)
                if owner is not None and json.loads(owner)["token"] != self._token:
                    raise AnotherKeeper(self.name, _in_words(owner))
                there = int(pipe.get(self._keys["version"]) or 0)
                if expected and there not in expected:
                    raise SharedStateError(
                        f"{self.name}: expected version {expected[0]}, got {there}: the server was started again and "
                        "has lost data. Start it with --appendonly yes --appendfsync always; a new keeper goes on from "
                        f"version {there}."
                    )
                pipe.multi()
                pipe.set(key, self._beat(), px=int(1000 * LEASE))
                change(pipe)
                pipe.execute()

        self._asked(transaction, patience)

    def _asked(self, ask: Callable[[Any], Answer], patience: float | None = None) -> Answer:
        """Ask the server, and again while it does not answer.

        Raises
        ------
        SharedStateError
            It does not answer for `patience` seconds, or refuses.
        """
        errors = self._errors
        end = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            try:
                return ask(self._server)
            except errors.AuthenticationError as error:
                raise SharedStateError(
                    f"{self.name}: expected the server's password, got a wrong one or none ({error}). Put it into the "
                    "address, redis://:PASSWORD@host/run, or into the environment as REDISCLI_AUTH."
                ) from error
            except (errors.ConnectionError, errors.TimeoutError, errors.WatchError) as error:
                self._gaps += not isinstance(error, errors.WatchError)
                if time.monotonic() >= end:
                    raise SharedStateError(
                        f"{self.name}: expected a Redis server that answers, got '{error}'. Start redis-server there, "
                        "or check host and port."
                    ) from error
                time.sleep(_RETRY_AFTER)
            except errors.RedisError as error:
                raise SharedStateError(f"{self.name}: expected the server to do it, got '{error}'.") from error


def _in_words(owner: bytes | None) -> str:
    try:
        told = json.loads(owner or b"{}")
        return f"process {told['process']} on {told['host']} (since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return ""


def _package() -> tuple[Any, Any]:
    try:
        redis: Any = import_module("redis")
        for part in ("retry", "backoff", "exceptions"):
            import_module(f"redis.{part}")
    except ImportError as error:
        advice = "Run pip install 'hf_matlab_compat[share]', or share a folder."
        raise OptionError("state", expected="the package redis", got="no such package", advice=advice) from error
    return redis, redis.exceptions


def _parsed(url: str) -> tuple[dict[str, Any], str, str]:
    """Return keywords of the client, the name of the run, and the address without a password.

    Raises
    ------
    OptionError
        The URL has another form.
    """
    shown = url if "@" not in url else f"{url.split('://')[0]}://...@{url.split('@')[-1]}"
    wrong = OptionError("state", expected="redis://host:port/run, with the name of the run", got=repr(shown))
    try:
        parts = urlsplit(url)
        port, path = parts.port or 6379, [unquote(each) for each in parts.path.strip("/").split("/")]
        db, run = [int(each) for each in path[:-1]], path[-1]
    except ValueError as error:
        raise wrong from error
    beside = parts.query or parts.fragment or len(db) > 1
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not run or beside:
        raise wrong
    where: dict[str, Any] = {"host": parts.hostname, "port": port, "ssl": parts.scheme == "rediss"}
    where |= {"db": db[0]} if db else {}
    where["username"] = unquote(parts.username) if parts.username else None
    where["password"] = unquote(parts.password) if parts.password else os.environ.get("REDISCLI_AUTH")
    return where, run, f"{parts.scheme}://{parts.hostname}:{port}/{'/'.join(path)}"
