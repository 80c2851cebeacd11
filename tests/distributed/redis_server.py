"""Debian's redis-server on a free port of loopback, for one test; it can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest


class RedisServer:
    """A server with its data in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed: sh tools/ensure_redis.sh installs it where it can be had")
        pytest.importorskip("redis")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._folder, self._options = folder, options
        self.start()

    def start(self) -> None:
        """Start it, with the append-only file on, and wait until it answers."""
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        words += ["--appendonly", "yes", "--appendfsync", "always", *self._options]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, "redis-server ended"
            time.sleep(0.02)
        raise AssertionError("redis-server did not answer within 10 s")

    def kill(self) -> None:
        """End it at once, as the power does."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def url(self, run: str = "run", password: str = "") -> str:
        """Return the address of a run."""
        return f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/{run}"
