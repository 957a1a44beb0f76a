"""The layers of a message as bytes, one `LayerBytes` for each time that bytes were turned into others.

Rule: an offset is valid in one layer only. Base64 text becomes the message,
segments of a BER string become its content, ciphertext becomes plaintext: each
result is a layer that records its source. ASN.1 that is in the bytes as it
is (an EnvelopedData in an eContent) is not a layer of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly, UnknownData
from sceplab.schema import Node, describe, nodes_of

TEXT = "text"
"""The `type_name` of a layer that is text and not ASN.1."""


class Made(StrEnum):
    """How the bytes of a layer were made from those of its parent; the values are words for people."""

    GIVEN = ""
    DECODED = "base64 decoded"
    JOINED = "segments joined"
    DECRYPTED = "decrypted"


@dataclass(frozen=True, slots=True)
class Reading:
    """How bytes are described: own names, own types, and whether to probe (see `schema.describe`)."""

    names: Mapping[str, str] | None = None
    types: Mapping[str, str] | None = None
    probe: bool = False


AS_USUAL = Reading()


@dataclass(frozen=True)
class LayerBytes:
    """The bytes of one layer with their title; `type_name` is one of `schema.TYPES`, "ANY" or TEXT.

    `parent` is the index of the layer that they were made from, `at` the offset
    of the element there, `made` how they were made.
    """

    title: str
    data: bytes
    type_name: str
    parent: int | None = None
    at: int = 0
    made: Made = Made.GIVEN
    reading: Reading = AS_USUAL

    @cached_property
    def tree(self) -> Node | None:
        """The tree of the bytes, described once when first asked for; None for text."""
        return None if self.type_name == TEXT else self.describe()

    def describe(self, type_name: str = "", start: int = 0, *, probe: bool = False) -> Node:
        """Describe the bytes from `start`, as another type or with guesses where asked (see `schema.describe`)."""
        how = self.reading
        return describe(
            self.data,
            type_name or self.type_name,
            names=how.names,
            types=how.types,
            probe=probe or how.probe,
            start=start,
        )


def _type_of(data: object) -> str:
    """Return the name of the ASN.1 type of a decoded messageData."""
    if isinstance(data, CertsOnly):
        return "ContentInfo"
    return "ANY" if data is None or isinstance(data, UnknownData) else type(data).__name__


def layers_of(message: PkiMessage, text: str = "", reading: Reading = AS_USUAL) -> tuple[LayerBytes, ...]:
    """Return the layers of a decoded message, outermost first.

    `text` is the base64 that the message came in, where it is known (`message=`,
    percent-escapes decoded or not).
    """
    out: list[LayerBytes] = []

    def add(title: str, data: bytes, type_name: str, at: int = 0, made: Made = Made.GIVEN) -> None:
        out.append(LayerBytes(title, data, type_name, len(out) - 1 if out else None, at, made, reading))

    if text:
        add("base64", text.encode("utf-8", "replace"), TEXT)
    add("pkiMessage", message.raw, "ContentInfo", made=Made.DECODED if text else Made.GIVEN)
    if message.signed.content is not None:
        content = _first(out[-1], "eContent", holding=True)
        if content is not None and content.segmented:
            add("eContent", message.signed.content, "ContentInfo", content.start, Made.JOINED)
    if message.opened is not None:
        place = _first(out[-1], "encryptedContent")
        if place is not None:
            add("messageData", message.opened.plaintext, _type_of(message.message_data), place.start, Made.DECRYPTED)
    return tuple(out)


def _first(layer: LayerBytes, name: str, *, holding: bool = False) -> Node | None:
    """Return the first node of that name (one that holds ASN.1, where asked)."""
    every = nodes_of(layer.tree) if layer.tree is not None else ()
    return next((n for n in every if n.name == name and (n.holds or not holding)), None)
