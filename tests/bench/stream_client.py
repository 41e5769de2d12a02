"""Clients of many streams in one process: `python -m tests.bench.stream_client PORT STREAMS FILE`.

Prints, as JSON, the SHA-256 of each stream's body, and writes to FILE, as pairs of 64-bit integers in the order of
arrival, when each line came (monotonic nanoseconds) and how long it took since `stream_server` sent it.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import select
import socket
import sys
from array import array
from bisect import bisect_left
from itertools import accumulate
from pathlib import Path
from time import monotonic_ns

from tests.bench.parties import PATH, QUESTION

_SENT = re.compile(rb'"content":"(\d+) "\},"done":false\}\n')
END = b"0\r\n\r\n"

Pieces = list[tuple[int, bytes]]
"""What came on one connection: when, and what."""


def main(port: int, streams: int, file: Path) -> None:
    pieces = _received([_asked(port, number) for number in range(streams)])
    arrivals = sorted(arrival for one in pieces for arrival in _arrivals(one))
    with file.open("wb") as out:
        array("q", [value for arrival in arrivals for value in arrival]).tofile(out)
    bodies = (body(b"".join(data for _, data in one)) for one in pieces)
    print(json.dumps({number: hashlib.sha256(one).hexdigest() for number, one in enumerate(bodies)}), flush=True)


def _asked(port: int, number: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    question = QUESTION.replace(b'"stream":false', b'"stream":true')
    head = f"POST {PATH}?stream={number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(question)}\r\n\r\n".encode() + question)
    return connection


def _received(connections: list[socket.socket]) -> list[Pieces]:
    """Everything that comes, until each stream has ended. Nothing is read meanwhile, so that the clock is right."""
    poll = select.epoll()
    pieces: dict[int, Pieces] = {}
    by_number = {connection.fileno(): connection for connection in connections}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
        pieces[number] = []
    left = len(connections)
    gc.collect()
    gc.disable()
    while left:
        for number, _ in poll.poll():
            data = by_number[number].recv(65536)
            pieces[number].append((monotonic_ns(), data))
            if not data or data.endswith(END):
                poll.unregister(number)
                left -= 1
    poll.close()
    for connection in connections:
        connection.close()
    return list(pieces.values())


def _arrivals(pieces: Pieces) -> list[tuple[int, int]]:
    """When each line was whole, and for how long it was under way."""
    ends = list(accumulate(len(data) for _, data in pieces))
    everything = b"".join(data for _, data in pieces)
    came = ((pieces[bisect_left(ends, found.end())][0], int(found[1])) for found in _SENT.finditer(everything))
    return [(at, at - sent) for at, sent in came]


def body(answer: bytes) -> bytes:
    """Without the head and the chunks' framing; what is not whole is left out."""
    rest = answer.partition(b"\r\n\r\n")[2]
    parts, at = [], 0
    while (end := rest.find(b"\r\n", at)) >= 0 and (size := int(rest[at:end], 16)):
        parts.append(rest[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
