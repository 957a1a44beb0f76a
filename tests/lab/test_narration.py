"""Live output and recording of a relay's traffic: no written byte is lost, and the traffic never waits for them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sceplab.capture import read_capture
from sceplab.capture.record import Sent
from sceplab.errors import InputError
from sceplab.lab.narration import Narration
from sceplab.lab.recording import Record
from sceplab.lab.relay import Relay
from sceplab.report.follow import Follower
from tests.lab.test_relay import OK, _says, _talk, server


def test_record_is_complete_before_it_is_closed(tmp_path: Path) -> None:
    """Traffic is in the file while the relay runs.

    A failing record is reported once, and the relay still passes bytes on.
    """
    path = tmp_path / "x.pcap"
    said: list[str] = []
    with (
        Record(path, said.append) as record,
        server(_says(OK)) as port,
        Relay(f"http://127.0.0.1:{port}/", on_sent=record.take) as relay,
    ):
        assert _talk(relay, b"GET /1 HTTP/1.1\r\n\r\n") == OK
        # The file is not closed yet, as after kill -9.
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
    with pytest.raises(InputError, match="already exists"):
        Record(path, said.append)


def test_record_separates_connections_that_reuse_ports(tmp_path: Path) -> None:
    """Covers IPv4 and IPv6, with both sides closing their direction."""
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


def test_narration_drops_and_counts_what_comes_too_fast() -> None:
    """The callback blocks while ten more items arrive. The output says how many are not shown."""
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
    assert lines == ["first", "8 more not shown: too many at once", "0", "1"]
