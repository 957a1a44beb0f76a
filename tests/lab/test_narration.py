"""What is told and recorded while it passes: nothing that was written is lost, and nobody waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sceplab.capture import read_capture
from sceplab.capture.record import Sent
from sceplab.errors import InputError
from sceplab.lab.narration import Narration, Record
from sceplab.lab.relay import Relay
from sceplab.report.follow import Follower
from tests.lab.test_relay import OK, _says, _talk, server


def test_a_record_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """What passed is in the file before the relay ends; a record that breaks is said once, and bytes still pass."""
    path = tmp_path / "x.pcap"
    said: list[str] = []
    with (
        Record(path, said.append) as record,
        server(_says(OK)) as port,
        Relay(f"http://127.0.0.1:{port}/", on_sent=record.take) as relay,
    ):
        assert _talk(relay, b"GET /1 HTTP/1.1\r\n\r\n") == OK
        # Nobody closed it, as after kill -9.
        (exchange,) = read_capture(path)
        assert exchange.reply is not None
        assert exchange.reply.body == b"ok"
        record._file.close()
        assert _talk(relay, b"GET /2 HTTP/1.1\r\n\r\n") == OK
        assert _talk(relay, b"GET /3 HTTP/1.1\r\n\r\n") == OK
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(said) == 1
    assert "the record" in said[0]
    assert len(read_capture(path)) == 1
    with pytest.raises(InputError, match="already there"):
        Record(path, said.append)


def test_a_record_of_ports_that_are_used_again(tmp_path: Path) -> None:
    """Each connection is one of its own, also over IPv6, and with an end of each kind."""
    now, path = datetime.now(UTC), tmp_path / "x.pcap"
    pairs = [(("127.0.0.1", 5000), ("127.0.0.2", 80)), (("::1", 5000), ("::2", 80)), (("127.0.0.1", 5), ("::2", 80))]
    with Record(path, print) as record:
        for turn in range(3):
            for one, two in pairs:
                record.take(Sent(now, one, two, b"GET /%d HTTP/1.0\r\n\r\n" % turn))
                record.take(Sent(now, two, one, b"HTTP/1.0 200 OK\r\n\r\n" + bytes(100_000 * turn)))
                record.take(Sent(now, two, one, b"", ended=True))
                record.take(Sent(now, one, two, b"", ended=True))
    found = read_capture(path)
    assert [e.request.target for e in found if e.request] == ["/0"] * 3 + ["/1"] * 3 + ["/2"] * 3
    assert [len(e.reply.body) for e in found if e.reply] == [0] * 3 + [100_000] * 3 + [200_000] * 3
    assert not any(e.problems for e in found)


def test_telling_never_waits() -> None:
    """What comes too quickly is counted, and said."""
    lines: list[str] = []
    busy, go_on = threading.Event(), threading.Event()

    def tell(line: object) -> None:
        lines.append(str(getattr(line, "text", "")))
        busy.set()
        assert go_on.wait(60)

    with Narration(Follower(), tell, waiting=2) as narration:
        narration.take("first")
        assert busy.wait(60)
        for number in range(10):
            narration.take(str(number))
        go_on.set()
    assert lines == ["first", "8 more passed and are not shown: too many at once", "0", "1"]
