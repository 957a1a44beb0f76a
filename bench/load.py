"""Send prepared pkiMessages to a SCEP server over several connections and measure each reply time.

Rule: use little of the machine that is measured. It has one thread, plain sockets and
the standard library only, and stores replies without decoding them. `bench_lab` runs
it as a separate process.

    python bench/load.py HOST PORT PATH CONNECTIONS MESSAGES REPLIES

MESSAGES and REPLIES are files of records: a length in four bytes, then that many bytes.
Each connection stays open and sends its next message after each reply.
Prints one JSON object: total seconds, seconds of each reply, CPU seconds.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterable
from pathlib import Path

TIMEOUT = 30.0


def read_records(path: Path) -> list[bytes]:
    """Return the records of a file."""
    data, pos, out = path.read_bytes(), 0, []
    while pos < len(data):
        (length,) = struct.unpack_from(">I", data, pos)
        out.append(data[pos + 4 : pos + 4 + length])
        pos += 4 + length
    return out


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Write records to a file."""
    path.write_bytes(b"".join(struct.pack(">I", len(r)) + r for r in records))


def body_of(reply: bytearray) -> bytes | None:
    """Return the body of a complete HTTP reply, with Content-Length or chunked (micromdm), or None so far."""
    head, mark, body = reply.partition(b"\r\n\r\n")
    if not mark:
        return None
    lines = head.lower().split(b"\r\n")
    if not lines[0].startswith(b"http/1.1 200"):
        sys.exit(f"the server answers {bytes(head[:200])!r}")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), None)
    if length is not None:
        return bytes(body) if len(body) >= length else None
    out, pos = b"", 0
    while (end := body.find(b"\r\n", pos)) >= 0:
        size = int(body[pos:end].partition(b";")[0], 16)
        if len(body) < end + 2 + size + 2:
            return None
        if size == 0:
            return out
        out += body[end + 2 : end + 2 + size]
        pos = end + 2 + size + 2
    return None


def main() -> None:
    """Send all messages and write all replies."""
    host, port, path, count, source, target = sys.argv[1:]
    start = f"POST {path}?operation=PKIOperation HTTP/1.1\r\nHost: {host}:{port}\r\n"
    start += "Content-Type: application/x-pki-message\r\nContent-Length: "
    waiting = [f"{start}{len(m)}\r\n\r\n".encode() + m for m in read_records(Path(source))]
    waiting.reverse()
    replies: list[bytes] = []
    times: list[float] = []
    open_now: dict[socket.socket, tuple[bytearray, float]] = {}
    chosen = selectors.DefaultSelector()
    for _ in range(int(count)):
        connection = socket.create_connection((host, int(port)), TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen.register(connection, selectors.EVENT_READ)
        open_now[connection] = (bytearray(), 0.0)
    began, cpu = time.perf_counter(), time.process_time()
    for connection in list(open_now):
        open_now[connection] = (bytearray(), time.perf_counter())
        connection.sendall(waiting.pop())
    while open_now:
        events = chosen.select(TIMEOUT)
        if not events:
            sys.exit(f"no reply for {TIMEOUT} s")
        for event, _ in events:
            connection = event.fileobj  # type: ignore[assignment]
            got = connection.recv(65536)
            if not got:
                sys.exit("the server closed a connection")
            buffer, sent = open_now[connection]
            buffer += got
            body = body_of(buffer)
            if body is None:
                continue
            times.append(time.perf_counter() - sent)
            replies.append(body)
            if waiting:
                open_now[connection] = (bytearray(), time.perf_counter())
                connection.sendall(waiting.pop())
            else:
                chosen.unregister(connection)
                connection.close()
                del open_now[connection]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    write_records(Path(target), replies)
    print(json.dumps({"seconds": seconds, "times": times, "cpu": cpu}))


if __name__ == "__main__":
    main()
