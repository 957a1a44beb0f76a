"""SAZ: what Fiddler saves. A ZIP with a request (`raw/NN_c.txt`) and a reply (`raw/NN_s.txt`) for each session.

Rule: the members are HTTP as it was on the wire. What other people's ZIP may make us unpack has bounds.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from sceplab.capture.httptext import read as read_http
from sceplab.capture.reading import Reading
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange

MAX_SESSIONS = 10_000
MAX_MEMBER = 1 << 24
MAX_UNPACKED = 1 << 28
_START = b"PK\x03\x04"
_SESSION = re.compile(r"raw[/\\](\d{1,9})_([cs])\.txt", re.IGNORECASE)
_BROKEN = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError, ValueError)


def fits(data: bytes) -> bool:
    """Whether it is a ZIP that has a session of Fiddler in it."""
    return data.startswith(_START) and re.search(rb"(?i)raw[/\\]\d{1,9}_c\.txt", data) is not None


def read(data: bytes, name: str) -> Reading:
    """Return the exchanges of all sessions by their numbers. Raises InputError where none can be unpacked."""
    found: list[Exchange] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for asked, answered in _sessions(archive):
                octets = _member(archive, asked) + (_member(archive, answered) if answered else b"")
                try:
                    found += read_http(octets, name).exchanges
                except InputError:
                    continue  # a CONNECT, or no HTTP
    except _BROKEN as error:
        raise InputError(f"this is a session archive of Fiddler that cannot be unpacked: {error}") from error
    if not found:
        raise InputError("this session archive of Fiddler has no HTTP request in it; decrypt HTTPS, then record again")
    return Reading(found, ((0, len(data)),), (0,) * len(found))


def _sessions(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, zipfile.ZipInfo | None]]:
    sides: dict[int, dict[str, zipfile.ZipInfo]] = {}
    total = 0
    for info in archive.infolist():
        match = _SESSION.fullmatch(info.filename)
        if match is None or info.file_size > MAX_MEMBER or len(sides) >= MAX_SESSIONS:
            continue
        total += info.file_size
        if total > MAX_UNPACKED:
            raise InputError("this session archive of Fiddler becomes enormous when unpacked; save fewer sessions")
        sides.setdefault(int(match[1]), {})[match[2].lower()] = info
    return [(side["c"], side.get("s")) for _, side in sorted(sides.items()) if "c" in side]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        return member.read(MAX_MEMBER)
