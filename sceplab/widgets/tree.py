"""ASN.1 as a tree that unfolds, each element with its octets.

Rule: `schema.describe` knows what things mean; this only draws it. Tag and
length octets are set apart from the content by brackets, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sceplab import schema
from sceplab.message import PkiMessage
from sceplab.schema import Node
from sceplab.widgets.text import safe, visible

# Octets of one element that are shown; the rest is counted.
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Asn1View:
    """A tree of one value, or of the layers of a message; `open_depth` levels are unfolded."""

    layers: tuple[tuple[str, bytes, Node], ...]
    open_depth: int = 2

    def __repr__(self) -> str:
        out = []
        for title, _, root in self.layers:
            out += [visible(title), *_text(root, 1)]
        return "\n".join(out)

    def _repr_html_(self) -> str:
        parts = []
        for title, data, root in self.layers:
            parts.append(f"<p><b>{safe(title)}</b> ({len(data)} octets)</p>{_html(root, data, self.open_depth)}")
        return "<div>" + "".join(parts) + "</div>"


def show(
    value: bytes | PkiMessage, type_name: str = "ContentInfo", *, title: str = "", open_depth: int = 2
) -> Asn1View:
    """Return a view of DER octets as `type_name` (see `schema.TYPES`), or of a decoded message with all its layers."""
    if isinstance(value, PkiMessage):
        layers = [("pkiMessage: SignedData", value.raw, schema.describe(value.raw))]
        if value.opened is not None:
            kind = {"CertificationRequest": "CertificationRequest", "CertsOnly": "ContentInfo"}.get(
                type(value.message_data).__name__, type(value.message_data).__name__
            )
            plain = value.opened.plaintext
            layers.append((f"decrypted: {kind}", plain, schema.describe(plain, kind)))
        return Asn1View(tuple(layers), open_depth)
    return Asn1View(((title or type_name, value, schema.describe(value, type_name)),), open_depth)


def _line(node: Node) -> str:
    value = f" {node.value}" if node.value else ""
    kind = "" if node.type == node.name else f" {node.type}"
    return f"{node.name}{kind}{value}"


def _text(node: Node, depth: int) -> Iterator[str]:
    line = visible(_line(node))
    yield f"{'  ' * depth}{line[:117] + '...' if len(line) > 120 else line}"
    for child in node.children:
        yield from _text(child, depth + 1)


def _html(node: Node, data: bytes, open_depth: int) -> str:
    """Return nested <details>; built with a stack, since hostile values nest deep."""
    kind = "" if node.type == node.name else f" <i>{safe(node.type)}</i>"
    value = f" <code>{safe(node.value)}</code>" if node.value else ""
    section = f" <small>{safe(node.section)}</small>" if node.section else ""
    label = f"<b>{safe(node.name)}</b>{kind}{value}{section}"
    octets = _octets(node, data)
    inside = "".join(f"<li>{_html(child, data, open_depth - 1)}</li>" for child in node.children)
    body = f"{octets}<ul>{inside}</ul>" if inside else octets
    opened = " open" if open_depth > 0 and node.children else ""
    return f"<details{opened}><summary>{label}</summary>{body}</details>"


def _octets(node: Node, data: bytes) -> str:
    header = data[node.start : node.content_start].hex(" ")
    if node.children:
        rest = f" {node.end - node.content_start} octets of content"
        return f"<pre>{node.start:5}  [{header}]{rest}</pre>"
    content = data[node.content_start : node.end]
    shown = content[:_SHOWN].hex(" ")
    more = f" ... {len(content) - _SHOWN} more" if len(content) > _SHOWN else ""
    return f"<pre>{node.start:5}  [{header}] {shown}{more}</pre>"
