"""Detect what bytes from a text are (messages, HTTP, packets), whatever their spelling (hex, base64, numbers, strings).

Rule: the same detection for all spellings; each spelling is decoded by its own
reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sceplab.capture import httptext, pcap, target
from sceplab.capture.alone import kind_of, message_alone, size_of
from sceplab.capture.packets import Packet
from sceplab.capture.reading import Reading, Span, assorted
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import Exchange

# Link types (https://www.tcpdump.org/linktypes.html), and the first bytes of Ethernet and IPv4.
_ETHERNET, _RAW_IP = 1, 101
_SHORTEST_FRAME = 14 + 20


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, the span of text they are from, and the corrections that were needed."""

    octets: bytes
    span: Span
    problems: tuple[Problem, ...] = ()


def read_blobs(blobs: Iterable[Blob], name: str, *, packets: bool = False) -> Reading:
    """Return the exchanges in bytes; bytes that are not SCEP are not claimed.

    With `packets` they may be packets too: these have both sides, so the copies
    that Wireshark reassembled are ignored.
    """
    found: list[tuple[int, Exchange]] = []
    claims: list[Span] = []
    frames: list[tuple[Packet, Span]] = []
    for blob in blobs:
        exchanges = _exchanges(blob, name)
        if exchanges:
            found += [(blob.span[0], e) for e in exchanges]
            claims.append(blob.span)
        elif packets and blob.octets:
            if blob.octets[0] >> 4 in {4, 6} and blob.octets[:1] != b"\x40":
                frames.append(((0.0, blob.octets, _RAW_IP), blob.span))
            elif len(blob.octets) > _SHORTEST_FRAME:
                frames.append(((0.0, blob.octets, _ETHERNET), blob.span))
    try:
        seen = sorted(pcap.exchanges_of((p for p, _ in frames), name), key=lambda e: e.stream or 0)
    except InputError:
        return assorted(found, claims)
    placed = [(frames[(e.first_frame or 1) - 1][1][0], e) for e in seen]
    return assorted(placed, [*claims, *(span for _, span in frames)])


def _exchanges(blob: Blob, name: str) -> list[Exchange]:
    octets = blob.octets
    if kind_of(octets) is not None:
        out = []
        # Several messages in sequence.
        while kind_of(octets) is not None:
            size = size_of(octets)
            first = octets if size is None or size >= len(octets) else octets[:size]
            out.append(message_alone(first, name, (*blob.problems, *_cut(first, size))))
            octets = octets[len(first) :]
        return out
    if httptext.begins(octets):
        try:
            found = httptext.read(octets, name).exchanges
        except InputError:
            return []
        return [replace(e, problems=(*e.problems, *blob.problems)) for e in found]
    if b"operation=" in octets[:4096] and octets[:64].isascii() and octets[:64].decode().isprintable():
        return target.read(octets, name).exchanges
    return []


def _cut(data: bytes, size: int | None) -> tuple[Problem, ...]:
    if size is None or size <= len(data):
        return ()
    advice = "What was copied is not the whole message: copy all of it, or give the capture."
    return (Problem(Layer.CAPTURE, "cut-short", f"{size} bytes", f"{len(data)}", None, advice),)
