"""The table of all formats except packet captures, and the functions that try them in order.

Rule: a new format is a module with `fits` and `read`, and one line in `WHOLE` or `PARTS`.
"""

from __future__ import annotations

import re

from sceplab.capture import (
    alone,
    base64text,
    curl,
    har,
    hexdump,
    httptext,
    logs,
    numbers,
    pem,
    saz,
    target,
    tshark,
    value,
)
from sceplab.capture.reading import Capture, Format, Sheet, Span, Unread, union
from sceplab.capture.transcript import paired
from sceplab.capture.words import read_rest
from sceplab.errors import InputError
from sceplab.masking import without_secrets

# Formats of a whole file: the first one that fits and reads something is used alone.
WHOLE = (
    Format("DER or BER", alone.fits, alone.read),
    Format("sessions of Fiddler (SAZ)", saz.fits, saz.read),
    Format("HAR", har.fits, har.read),
    Format("packets as PDML", tshark.fits_pdml, tshark.read_pdml),
    Format("packets as JSON", tshark.fits_json, tshark.read_json),
    Format("HTTP as text", httptext.fits, httptext.read),
)
# Formats that may be mixed in a text, the most specific first; each is tried on the text not yet claimed.
PARTS = (
    Format("packets as text (tshark -V)", tshark.fits_text, tshark.read_text),
    Format("curl --trace", curl.fits_trace, curl.read_trace),
    Format("curl -v", curl.fits, curl.read_verbose),
    Format("access log", logs.fits, logs.read),
    Format("strings of a program", numbers.fits, numbers.read_strings),
    Format("hex dump", hexdump.fits, hexdump.read),
    Format("heads of HTTP", httptext.fits_heads, httptext.read_heads),
    Format("bytes of a program", numbers.fits, numbers.read),
    Format("PEM", pem.fits, pem.read),
    Format("URL or request target", target.fits, target.read),
    Format("base64, or the value of message=", value.fits, value.read),
    Format("base64 in a text", base64text.fits, base64text.read),
)
# Formats that are not read: first bytes, name, and what to do with the file.
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive: unpack it and give what is in it"),
    (b"\xfd7zXZ\0", "xz-compressed: unpack it first (`unxz`)"),
    (b"BZh", "bzip2-compressed: unpack it first (`bunzip2`)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed: unpack it first (`unzstd`)"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it and give what is in it"),
    (b"snoop\0\0\0", "a snoop capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"GMBU", "a Network Monitor capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"XCP\0", "a Sniffer capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"MDMP", "a memory dump; give a capture of packets"),
    (b"\x89PNG", "a picture: text that can be copied is needed, or the capture itself"),
    (b"\xff\xd8\xff", "a picture: text that can be copied is needed, or the capture itself"),
    (b"%PDF", "a PDF: copy the text out of it, or give the capture itself"),
    (b"mitmproxy", "a flow file of mitmproxy: export it as HAR (`mitmdump -nr FILE --set hardump=out.har`)"),
    (b"\x16\x03", "a TLS record, which is encrypted; capture the plain HTTP behind the proxy that ends TLS"),
)
_UTF16 = {b"\xff\xfe", b"\xfe\xff"}
_UTF8_MARK = b"\xef\xbb\xbf"


def read_octets(data: bytes, name: str) -> Capture:
    """Read a whole file in any of the formats; `name` becomes the source of each exchange.

    Raises InputError, which says what was found and what to try, if there is neither
    an exchange nor a relevant line of words.
    """
    return read_text(data, name)[0]


def read_text(data: bytes, name: str) -> tuple[Capture, tuple[Span, ...]]:
    """Return the result of `read_octets`, and the spans of the data (UTF-8 without a byte-order mark) read."""
    for start, words in _OTHERS:
        if data.startswith(start) and not saz.fits(data):
            raise InputError(f"this is {words}")
    if not data.strip():
        raise InputError("there is nothing in it; give a capture, a URL, base64, PEM or DER")
    data = _as_utf8(data)
    sheet = Sheet(data)
    forms = _read_parts(sheet, name)
    left = read_rest(bytes(sheet.rest), name)
    sheet.found += left.answers
    sheet.found.sort(key=lambda pair: pair[0])
    exchanges, remarks = paired(sheet.with_lines())
    remarks = sorted([*sheet.remarks, *remarks, *left.remarks], key=lambda r: r.line or 0)
    unread = (*sheet.unread, *left.unread)
    if not exchanges and not remarks:
        raise InputError(sheet.error or _unknown(data, unread))
    return Capture(exchanges, tuple(remarks), unread, forms, tuple(sheet.notes)), union(sheet.claims)


def _read_parts(sheet: Sheet, name: str) -> tuple[str, ...]:
    """Try every format on the unclaimed text; return the names of those that read something."""
    forms = []
    data = bytes(sheet.rest)
    for form in (*WHOLE, *PARTS):
        if not data.strip():
            break
        if (form in WHOLE and sheet.claims) or not form.fits(data):
            continue
        try:
            reading = form.read(data, name)
        except InputError as error:
            sheet.error = sheet.error or str(error)
            continue
        if sheet.take(reading):
            forms.append(form.name)
            data = bytes(sheet.rest)
    return tuple(forms)


def _as_utf8(data: bytes) -> bytes:
    if data[:2] in _UTF16:
        data = data.decode("utf-16", "replace").encode()  # as PowerShell's ">" writes
    return data.removeprefix(_UTF8_MARK)


def _unknown(data: bytes, unread: tuple[Unread, ...]) -> str:
    words = data.decode("utf-8", "surrogateescape").strip()
    start = without_secrets(words[:4096])[:16].encode("unicode_escape").decode("ascii")
    if re.match(r"\s*<(?:!doctype|html|\?xml)", words, re.IGNORECASE):
        found = "this is a web page or XML, without a SCEP request in it"
    elif b"\0" in data[:4096]:
        found = f"this is a binary file that starts with {data[:8].hex(' ')}"
    else:
        found = f"this is text that starts with {start!r}"
    if unread:
        return "; ".join(f"this holds {each}" for each in unread[:3])
    return (
        f"{found}, and no format known here; "
        "give a pcap or pcapng file, HAR, HTTP, a URL, a message= value, base64, PEM, DER or a hex dump"
    )
