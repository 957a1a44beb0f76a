"""Files that a user names: which are read, which are refused, and which are replaced."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from sceplab import sources
from sceplab.capture import detect, read_capture
from sceplab.cms.x509 import load_public_key
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_private_keys, read_certificates, read_private_keys, write_new
from tests.helpers.captures import DATA

CAPTURE = DATA / "specimen" / "capture.pcap"
CA = DATA / "specimen" / "ca.pem"


@contextlib.contextmanager
def _fifo(path: Path, data: bytes) -> Iterator[Path]:
    """Make a FIFO and write to it once, a few bytes first."""
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            try:
                file.write(data[:3])
                file.write(data[3:])
            except BrokenPipeError:
                pass  # the reader stopped early

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield path
    finally:
        writer.join()


def test_a_fifo_is_read_like_a_file(tmp_path: Path) -> None:
    """Captures, also gzipped, and certificates, as the shell's `<(command)` gives them; the FIFO is the source."""
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
    """Devices such as /dev/zero never end."""
    for read in (read_capture, load_certificates, load_private_keys):
        with pytest.raises(InputError, match="device"):
            read(Path(device))


def test_endless_pipes_are_refused_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of input stops at its size limit with an error."""
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


def test_an_open_file_is_read_and_left_open() -> None:
    """It is read from its current position and stays open."""
    with CAPTURE.open("rb") as file:
        assert len(read_capture(file)) == 1
        assert not file.closed
    assert len(read_capture(io.BytesIO(CAPTURE.read_bytes()))) == 1


@pytest.mark.parametrize("name", ["/nowhere", "./nowhere", "~nobody/x", "nowhere.pcap", "../no/where"])
def test_missing_files_are_an_error(name: str) -> None:
    """A path to a missing file is an error, not a message in text form."""
    with pytest.raises(InputError, match="no such file"):
        read_capture(name)


def test_a_certificate_of_an_unknown_version_is_an_input_error() -> None:
    """Regression: it raised InvalidVersion, which is not a ValueError."""
    from sceplab.cms.pem import build_pem

    (good,) = load_certificates(CA)
    assert good.count(b"\xa0\x03\x02\x01\x02") == 1
    bad = good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05")
    for data in (bad, build_pem("CERTIFICATE", bad)):
        with pytest.raises(InputError, match="version"):
            read_certificates(data, "ca")


def test_old_keys_and_certificates_give_no_warnings() -> None:
    """A serial number of zero and a Diffie-Hellman key: warnings of `cryptography` must not reach our users."""
    (good,) = load_certificates(CA)
    serial = good.index(b"\xa0\x03\x02\x01\x02") + 5
    bad = good[: serial + 2] + bytes(good[serial + 1]) + good[serial + 2 + good[serial + 1] :]
    assert good[serial] == 2
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with contextlib.suppress(InputError):
            read_certificates(bad, "ca")
        with contextlib.suppress(InputError):
            read_private_keys(_DH, "dh")
        load_public_key(_DH_PUBLIC)
    assert [str(w.message) for w in seen] == []


# A test key without any other use.
_DH = b"""-----BEGIN PRIVATE KEY-----
MIH5AgEAMIHVBgkqhkiG9w0BAwEwgccCgcEA///////////JD9qiIWjCNMTGYouA
3BzRKQJOCIpnzHQCC76mOxObIlFKCHmONATd75UZs806QxswKwpt8l8UN0/hNW1t
UcJF5IW1dmJefsb0TELppjftawv/XLb0Brft7jhr+1qJn6WunyQRfEsf5kkoZlHs
5Fs9wgB8uKFjvwWY2kg2HFXTmmkWP6j9JM9fg2VdI9yjrZYcYvNWIIVSu57VKQdw
lpZtZww1Tkq8mATxdGwIyiNzJ///////////AgECBBwCGgDZKTyRKKD7sUkQeItx
ohwxsnKmysbhV/pg
-----END PRIVATE KEY-----
"""
_DH_PUBLIC = base64.b64decode(
    b"MIIBoDCB1QYJKoZIhvcNAQMBMIHHAoHBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJRSgh5jjQE3e+V"
    b"GbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7ORbPcIAfLih"
    b"Y78FmNpINhxV05ppFj+o/STPX4NlXSPco62WHGLzViCFUrue1SkHcJaWbWcMNU5KvJgE8XRsCMojcyf//////////wIBAgOBxQAC"
    b"gcEA/J96+NuSvBsuQcoqyxWIDU0Z//8Q2gpmeZqIjUB6Cf21W4JjRa1Js816lkdu2eXtoPfYE/Uv+8E4hmLYATYCuk9zQW3S20Zg"
    b"le+Jm/tGVOpicpYGW3+3+7Lw4tNzxQot9KjzyBtEWOT4sMzU/DxB2H9fc8QcQvUAZ/RqTOgF1kXCsTtH9RT8C40ou3W1vXB4h/hW"
    b"sBWfk3RnJGPXSzY69pUSIRRMnRNNtT0o3Zk0RGnhW61ry2qfOl8LhmYd3utW"
)


# --------------------------------------------------------------- writing


def test_existing_files_are_replaced_only_with_force(tmp_path: Path) -> None:
    """Also a dangling link; neighbouring files stay unchanged, and no temporary file remains."""
    (tmp_path / "out").write_bytes(b"old")
    (tmp_path / "out.new").write_bytes(b"a neighbour")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("out", "link"):
        with pytest.raises(InputError, match="already exists"):
            write_new(tmp_path / name, b"new")
    write_new(tmp_path / "out", b"new", force=True, private=True)
    assert (tmp_path / "out").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert (tmp_path / "out.new").read_bytes() == b"a neighbour"
    assert {p.name for p in tmp_path.iterdir()} == {"out", "out.new", "link"}


def test_special_files_are_never_replaced(tmp_path: Path) -> None:
    """Regression: as root, `--force` replaced /dev/null with a regular file."""
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
def test_impossible_file_names_are_one_error(tmp_path: Path, name: str, force: bool) -> None:
    """One clear error, and no file remains."""
    with pytest.raises(InputError, match=r"cannot be (?:used|written)"):
        write_new(tmp_path / name, b"new", force=force)
    assert list(tmp_path.iterdir()) == []
