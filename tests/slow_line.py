"""A line between hosts that delays and loses frames: `python slow_line.py DELAY LOSS LOST PORT PORT …`.

It does in a process what `tc netem` does in kernels that have it: every frame that arrives at one port leaves at the
others DELAY seconds later, or is lost with probability LOSS. Each lost frame adds a byte to the file LOST.
"""

from __future__ import annotations

import random
import select
import socket
import sys
import time
from collections import deque

ALL_PROTOCOLS = 3
SOL_PACKET, VIRTUAL_HEADER, IGNORE_OUTGOING = 263, 15, 23
"""Of linux/if_packet.h. With the header, frames that the card is to cut or to sum up later pass as they are."""


def port_of(name: str) -> socket.socket:
    """Open one end of a host's cable."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    port.setsockopt(SOL_PACKET, VIRTUAL_HEADER, 1)
    port.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    port.bind((name, ALL_PROTOCOLS))
    port.setblocking(False)
    return port


def arrived(port: socket.socket) -> list[bytes]:
    """Return the frames that wait at a port."""
    frames: list[bytes] = []
    try:
        while True:
            frames.append(port.recv(1 << 17))
    except OSError:  # none is left, or the cable is out
        return frames


def forward(names: list[str], delay: float, loss: float, lost: str) -> None:
    """Pass frames on for ever."""
    ports, waiting, draw = [port_of(name) for name in names], deque(), random.Random(1)
    with open(lost, "ab", buffering=0) as losses:
        while True:
            due = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            for ready in select.select(ports, [], [], due)[0]:
                for frame in arrived(ready):
                    if draw.random() < loss:
                        losses.write(b"x")
                    else:
                        waiting.append((time.monotonic() + delay, ready, frame))
            while waiting and waiting[0][0] <= time.monotonic():
                _, source, frame = waiting.popleft()
                for port in ports:
                    if port is not source:
                        send(port, frame)


def send(port: socket.socket, frame: bytes) -> None:
    """Send a frame; it is lost where the queue is full or the cable is out, as on a real line."""
    try:
        port.send(frame)
    except OSError:
        return


if __name__ == "__main__":
    forward(sys.argv[4:], float(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
