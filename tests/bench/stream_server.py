"""An Ollama that streams at a steady pace: `python -m tests.bench.stream_server PORT STREAMS RATE SECONDS`.

It waits until all streams were asked for, then sends each a line at its turn, with the time of sending in it. At the
end it prints, as JSON, the SHA-256 of each stream's body by the number that its request has in `?stream=`.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import select
import socket
import sys
import time
from collections import deque
from time import monotonic_ns

LINE = (
    b'{"model":"tiny","created_at":"2026-11-21T00:44:40.360017128Z",'
    b'"message":{"role":"assistant","content":"%d "},"done":false}\n'
)
LAST = (
    b'{"model":"tiny","created_at":"2026-11-21T00:44:40.380017128Z","message":{"role":"assistant","content":""},'
    b'"done":true,"done_reason":"stop","total_duration":190637867,"load_duration":951029,"prompt_eval_count":32,'
    b'"prompt_eval_duration":169888000,"eval_count":%d,"eval_duration":18227000}\n'
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
# What the collectors ask for beside the streams.
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_STREAM = re.compile(rb"POST \S*\?stream=(\d+) ")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def main(port: int, streams: int, rate: float, seconds: float) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listener:
        print("listening", flush=True)
        connections = _gathered(listener, streams)
        gc.collect()
        gc.disable()
        sums = _sent(connections, rate, int(rate * seconds))
    print(json.dumps(sums), flush=True)


def _gathered(listener: socket.socket, streams: int) -> dict[int, socket.socket]:
    """The connections of all streams, once the last has sent its request."""
    open_, came, asked = {listener.fileno(): listener}, {listener.fileno(): b""}, dict[int, socket.socket]()
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    while len(asked) < streams:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_[connection.fileno()], came[connection.fileno()] = connection, b""
                poll.register(connection.fileno(), select.EPOLLIN)
                continue
            data = open_[number].recv(65536)
            came[number] += data
            if not data:
                poll.unregister(number)
                open_.pop(number).close()
            elif stream := _whole(came[number]):
                asked[int(stream[1])] = open_[number]
                poll.unregister(number)
            elif came[number].startswith(b"GET") and came[number].endswith(b"\r\n\r\n"):
                open_[number].sendall(NOTHING)
                came[number] = b""
    poll.close()
    return asked


def _whole(request: bytes) -> re.Match[bytes] | None:
    """The number of the stream, once its request is here with its body."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return _STREAM.match(head) if end and length and len(body) >= int(length[1]) else None


def _sent(connections: dict[int, socket.socket], rate: float, count: int) -> dict[int, str]:
    """Send to every stream, evenly spread over the time from one line to the next."""
    step = int(1e9 / rate)
    begin = monotonic_ns() + 200_000_000
    sent: dict[int, list[bytes]] = {stream: [] for stream in connections}
    for connection in connections.values():
        connection.sendall(HEAD)
    due = deque(
        (begin + place * step // len(connections), stream, connection, count)
        for place, (stream, connection) in enumerate(sorted(connections.items()))
    )
    while due:
        at, stream, connection, left = due.popleft()
        wait = at - monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        line = LINE % monotonic_ns() if left else LAST % count
        connection.sendall(b"%x\r\n%b\r\n%b" % (len(line), line, b"" if left else END))
        sent[stream].append(line)
        if left:
            due.append((at + step, stream, connection, left - 1))
    return {stream: hashlib.sha256(b"".join(lines)).hexdigest() for stream, lines in sent.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
