"""Layers without what their recipient could decrypt, for a report that goes to others.

Rule: encrypted content and encrypted keys become zeros of the same length, so that each
offset stays what it is; nothing else changes. Single DES can be broken and a password
can be guessed: what is not in a file cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sceplab.schema import Node, nodes_of
from sceplab.schema.layers import TEXT, LayerBytes, Made
from sceplab.views.packing import text_form, written
from sceplab.views.state import TextForm

_CLOSED = frozenset({"encryptedContent", "encryptedKey"})
_PLAIN: TextForm = {"escapes": [], "line": 0, "between": "", "end": ""}


def blanked(layers: Sequence[LayerBytes]) -> tuple[LayerBytes, ...]:
    """Return the layers with zeros for all ciphertext.

    A layer whose segments were joined to the next one has zeros for these segments.
    Base64 text is written anew, in its own form where that is known.
    """
    out = []
    for index, layer in enumerate(layers):
        if layer.tree is None:
            out.append(layer)
            continue
        joined = {other.at for other in layers if other.parent == index and other.made is Made.JOINED}
        data = bytearray(layer.data)
        for node in nodes_of(layer.tree):
            if node.name in _CLOSED or node.start in joined:
                for start, end in _contents(node):
                    data[start:end] = bytes(end - start)
        out.append(replace(layer, data=bytes(data)))
    if len(out) > 1 and out[0].type_name == TEXT:
        form = text_form(layers[0].data, layers[1].data) or _PLAIN
        out[0] = replace(out[0], data=written(form, out[1].data))
    return tuple(out)


def _contents(node: Node) -> Iterator[tuple[int, int]]:
    """Yield where the content of a string is: for one in segments, that of each."""
    if node.segmented:
        for child in node.children:
            yield from _contents(child)
    else:
        yield node.content_start, node.content_end
