"""Files that a user names: what is read, what is refused, and what is replaced."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sceplab import sources
from sceplab.capture import detect, read_capture
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_private_keys, read_certificates, write_new
from tests.helpers.captures import DATA

CAPTURE = DATA / "specimen" / "capture.pcap"
CA = DATA / "specimen" / "ca.pem"


@contextmanager
def _fifo(path: Path, data: bytes) -> Iterator[Path]:
    """Make a FIFO into which somebody writes once, a few bytes at first."""
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            try:
                file.write(data[:3])
                file.write(data[3:])
            except BrokenPipeError:
                pass  # the reader had enough

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield path
    finally:
        writer.join()


def test_a_fifo_is_as_good_as_a_file(tmp_path: Path) -> None:
    """Captures, also gzip'd, and certificates, as `<(command)` gives them; its name is the source."""
    import gzip

    with _fifo(tmp_path / "capture", CAPTURE.read_bytes()) as path:
        assert [e.request for e in read_capture(path)] == [e.request for e in read_capture(CAPTURE)]
    with _fifo(tmp_path / "packed", gzip.compress(CAPTURE.read_bytes())) as path:
        assert [e.source for e in read_capture(str(path))] == ["packed"]
    with _fifo(tmp_path / "text", b"http://x.example/scep?operation=GetCACaps") as path:
        assert len(read_capture(path)) == 1
    with _fifo(tmp_path / "ca", CA.read_bytes()) as path:
        assert load_certificates(path) == load_certificates(CA)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom", "/dev/full"])
def test_devices_are_refused(device: str) -> None:
    """They may never end."""
    for read in (read_capture, load_certificates, load_private_keys):
        with pytest.raises(InputError, match="device"):
            read(Path(device))


def test_endless_pipes_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of input at its limit, with a sentence."""
    monkeypatch.setattr(sources, "MAX_PIPED", 1 << 20)
    monkeypatch.setattr(detect, "MAX_OCTETS", 1 << 20)
    for name, data in (("packets", CAPTURE.read_bytes() + bytes(2 << 20)), ("text", b"x" * (2 << 20))):
        with _fifo(tmp_path / name, data) as path, pytest.raises(InputError, match="larger than"):
            read_capture(path)
    with (
        _fifo(tmp_path / "key", bytes(sources.MAX_SMALL + (1 << 20))) as path,
        pytest.raises(InputError, match="larger than"),
    ):
        load_private_keys(path)


def test_a_file_that_is_open() -> None:
    """Is read from where it is, and left open."""
    with CAPTURE.open("rb") as file:
        assert len(read_capture(file)) == 1
        assert not file.closed
    assert len(read_capture(io.BytesIO(CAPTURE.read_bytes()))) == 1


@pytest.mark.parametrize("name", ["/nowhere", "./nowhere", "~nobody/x", "nowhere.pcap", "../no/where"])
def test_names_of_files_that_are_not_there(name: str) -> None:
    """Are not taken for a message."""
    with pytest.raises(InputError, match="no such file"):
        read_capture(name)


def test_a_certificate_of_an_unknown_version() -> None:
    """It ended in InvalidVersion, which is no ValueError."""
    from sceplab.cms.pem import build_pem

    (good,) = load_certificates(CA)
    assert good.count(b"\xa0\x03\x02\x01\x02") == 1
    bad = good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05")
    for data in (bad, build_pem("CERTIFICATE", bad)):
        with pytest.raises(InputError, match="version"):
            read_certificates(data, "ca")


# --------------------------------------------------------------- writing


def test_what_is_there_is_replaced_only_with_force(tmp_path: Path) -> None:
    """Also a link to nothing; a neighbour is never touched, and nothing is left behind."""
    (tmp_path / "out").write_bytes(b"old")
    (tmp_path / "out.new").write_bytes(b"a neighbour")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("out", "link"):
        with pytest.raises(InputError, match="already there"):
            write_new(tmp_path / name, b"new")
    write_new(tmp_path / "out", b"new", force=True, private=True)
    assert (tmp_path / "out").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert (tmp_path / "out.new").read_bytes() == b"a neighbour"
    assert {p.name for p in tmp_path.iterdir()} == {"out", "out.new", "link"}


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    """As root, `--force` put a file where /dev/null had been."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "nothing").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    before = {p: p.lstat().st_ino for p in tmp_path.iterdir()}
    for name in ("fifo", "null", "nothing", "folder", "."):
        with pytest.raises(InputError, match="no regular file"):
            write_new(tmp_path / name, b"new", force=True)
    assert before == {p: p.lstat().st_ino for p in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["/etc/passwd/x.md", "n" * 300, "no/such/folder", "nul\0", "/dev/full/x", "x" * 5000])
@pytest.mark.parametrize("force", [False, True])
def test_names_that_no_file_can_have(tmp_path: Path, name: str, force: bool) -> None:
    """One clear error, and nothing is left behind."""
    with pytest.raises(InputError, match=r"cannot be (?:used|written)"):
        write_new(tmp_path / name, b"new", force=force)
    assert list(tmp_path.iterdir()) == []
