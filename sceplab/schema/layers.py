"""The octets of a message, one buffer for each time that they were turned into others.

Rule: offsets mean something inside one buffer only. Base64 text becomes the
message, segments of a BER string become its content, ciphertext becomes a
plaintext: each gets a buffer and the place that it came from. ASN.1 that stands
in the octets as they are (an EnvelopedData in an eContent) needs none.
"""

from __future__ import annotations

from dataclasses import dataclass

from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly, UnknownData
from sceplab.schema import Node, describe, nodes_of

TEXT = "text"


@dataclass(frozen=True, slots=True)
class LayerBytes:
    """Octets with a title; `type_name` is that of `schema.TYPES`, or TEXT.

    `parent` is the index of the buffer that they were made from and `at` the
    offset of the element there; `how` says what was done to it.
    """

    title: str
    data: bytes
    type_name: str
    parent: int | None = None
    at: int = 0
    how: str = ""

    def describe(self) -> Node | None:
        """Return the tree of the octets, or None where they are text."""
        return None if self.type_name == TEXT else describe(self.data, self.type_name)


def type_of(data: object) -> str:
    """Return the name of the ASN.1 type of a decoded messageData."""
    if isinstance(data, CertsOnly):
        return "ContentInfo"
    return "ANY" if data is None or isinstance(data, UnknownData) else type(data).__name__


def layers_of(message: PkiMessage, text: str = "") -> tuple[LayerBytes, ...]:
    """Return the buffers of a decoded message, outermost first.

    `text` is the base64 that it came in, where it is known (`message=`, decoded
    from percent-escapes or not).
    """
    out: list[LayerBytes] = []
    if text:
        out.append(LayerBytes("base64", text.encode("utf-8", "replace"), TEXT))
    outer = LayerBytes(
        "pkiMessage", message.raw, "ContentInfo", 0 if text else None, 0, "base64 decoded" if text else ""
    )
    out.append(outer)
    last, root = len(out) - 1, outer.describe()
    if message.signed.content is not None and root is not None:
        content = next((n for n in nodes_of(root) if n.name == "eContent" and n.holds), None)
        if content is not None and content.segmented:
            joined = LayerBytes(
                "eContent", message.signed.content, "ContentInfo", last, content.start, "segments joined"
            )
            out.append(joined)
            last, root = len(out) - 1, joined.describe()
    if message.opened is not None and root is not None:
        place = next((n for n in nodes_of(root) if n.name == "encryptedContent"), None)
        if place is not None:
            plain, kind = message.opened.plaintext, type_of(message.message_data)
            out.append(LayerBytes("messageData", plain, kind, last, place.start, "decrypted"))
    return tuple(out)
