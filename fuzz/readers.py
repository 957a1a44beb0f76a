"""Fuzz targets for the capture readers: one for each format, seeded with real samples of that format.

Rule: a target fails on any exception other than `InputError`, and on a broken guarantee of a
reader: claims are in order and never overlap, and each exchange has one place.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from sceplab.capture import iis, read_capture
from sceplab.capture.compressed import GZIP
from sceplab.capture.forms import PARTS, WHOLE, read_text
from sceplab.capture.packets import is_packets
from sceplab.capture.reading import Format, Span
from sceplab.capture.words import read_rest
from sceplab.errors import InputError
from sceplab.paths import DATA
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import decoded
from tests.helpers.spellings import LOGS, PAIRS, REQUESTS, url_of

Target = Callable[[bytes], None]
LONGEST = 32768
"""Bytes of one input: a hex dump of a real message has half of that."""
_FIELD = DATA.parent / "tests" / "data" / "field"
_FIELDS = ["date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "c-ip", "sc-status"]


def _claims(spans: Iterable[Span], size: int) -> None:
    made = list(spans)
    assert all(0 <= start < end <= size for start, end in made)  # noqa: S101 - a fuzz target asserts
    assert all(before[1] <= after[0] for before, after in pairwise(made))  # noqa: S101


def _of(form: Format) -> Target:
    def target(data: bytes) -> None:
        if not form.fits(data):
            return
        with contextlib.suppress(InputError):
            reading = form.read(data, "fuzz")
            _claims(reading.claims, len(data))
            assert len(reading.places) == len(reading.exchanges)  # noqa: S101

    target.__doc__ = f"The reader of: {form.name}."
    return target


def read_any_text(data: bytes) -> None:
    """Run all readers of text in turn, and decode what they read."""
    with contextlib.suppress(InputError):
        capture, claims = read_text(data, "fuzz")
        _claims(claims, 3 * len(data))
        decode_exchanges(capture)


def read_words(data: bytes) -> None:
    """Read the text that no reader claimed."""
    left = read_rest(data, "fuzz")
    last = data.count(b"\n") + 1
    assert all(1 <= u.lines[0] <= u.lines[1] <= last for u in left.unread)  # noqa: S101


def read_iis(data: bytes) -> None:
    """Read IIS log lines with and without field names."""
    for line in data.decode("utf-8", "replace").split("\n"):
        iis.said(line, _FIELDS)
        iis.said(line, [])


def read_packets(data: bytes) -> None:
    """Read and decode packet captures."""
    if is_packets(data[:4]):
        with contextlib.suppress(InputError):
            decode_exchanges(read_capture(data))


def read_gzip(data: bytes) -> None:
    """Read the input as a gzip file, and a valid gzip file with the input as content."""
    for packed in (data, gzip.compress(data, 1)):
        if packed.startswith(GZIP):
            with contextlib.suppress(InputError):
                read_capture(packed)


FORMS = {f"read_{re.sub('[^a-z0-9]+', '_', form.name.lower()).strip('_')}": form for form in (*WHOLE, *PARTS)}
TARGETS: dict[str, Target] = {name: _of(form) for name, form in FORMS.items()}
TARGETS |= {f.__name__: f for f in (read_any_text, read_words, read_iis, read_packets, read_gzip)}


def _tshark_json(pdml: str) -> str:
    """Write the fields of a PDML file as `tshark -T json` does, one object for each frame."""
    out: list[dict[str, str]] = []
    for name, value in re.findall(r'<field name="((?:frame|ip|tcp)\.[a-z_.]+)"[^>]*? show="([^"]*)"', pdml):
        if name == "frame.time_epoch" or not out:
            out.append({})
        out[-1][name] = value
    return json.dumps([{"_source": {"layers": {"frame": fields}}} for fields in out], indent=1)


def _saz(request: bytes, reply: bytes) -> bytes:
    """Write a session as Fiddler stores it: a ZIP archive with a file each for request and reply."""
    out = io.BytesIO()
    asked = f"GET {url_of(request)} HTTP/1.1\r\nHost: ca\r\n\r\n".encode()
    answered = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("raw/1_c.txt", asked)
        archive.writestr("raw/1_s.txt", answered)
    return out.getvalue()


@cache
def _samples() -> tuple[bytes, ...]:
    """Return real files, and a real request and reply in every format of the test helpers."""
    (item,) = decoded(DATA / "specimen")
    assert item.request is not None  # noqa: S101
    assert item.reply is not None  # noqa: S101
    request, reply = item.request.raw, item.reply.raw
    made: list[str | bytes] = [write(request) for write in REQUESTS.values()]
    made += [write(request, reply) for write in PAIRS.values()]
    made += [line.format(url=url_of(request)) for line in LOGS.values()]
    made.append(_saz(request, reply))
    made.append(_tshark_json((_FIELD / "form-tshark-pdml.xml").read_text()))
    files = [p for p in sorted(_FIELD.iterdir()) if p.is_file() and p.suffix not in {".md", ".json"}]
    found = [m.encode() if isinstance(m, str) else m for m in made]
    return tuple(dict.fromkeys((*found, *(p.read_bytes() for p in files))))


def samples(name: str) -> Iterator[bytes]:
    """Yield the seed samples of a target: those of its format."""
    form = FORMS.get(name)
    for data in _samples():
        if form is not None:
            with contextlib.suppress(InputError):
                if form.fits(data) and form.read(data, "fuzz").claims:
                    yield data
        elif (name == "read_packets") == is_packets(data[:4]):
            yield data


def write_seeds(name: str, folder: Path) -> int:
    """Write the samples of a target as files; return the number of files."""
    count = 0
    for count, data in enumerate(samples(name), 1):
        (folder / f"{count:03}").write_bytes(data[:LONGEST])
    return count
