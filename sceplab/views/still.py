"""A tree of ASN.1 without scripts: as HTML that unfolds, and as text.

Rule: what GitHub, nbviewer and an untrusted notebook show in place of a live
view. Nested <details> and <pre>, no style, no script: a sanitizer removes
nothing. Tag and length bytes are set apart by brackets. Of a large tree the
first elements are drawn, and the number of the others is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.schema import Node, link
from sceplab.schema.coverage import Coverage
from sceplab.schema.layers import TEXT, LayerBytes
from sceplab.views.text import code_lines, safe, visible

# Bytes shown of one element; of longer ones, the number of the others is given.
_SHOWN = 64
# Elements drawn in one picture, and lines of text.
DRAWN = 400
LINES = 2000
# Browsers and sanitizers limit the depth.
_DEEPEST = 40


def still_html(layers: Sequence[LayerBytes], open_depth: int, coverage: Sequence[Coverage] = ()) -> str:
    """Return nested <details> for the layers, `open_depth` levels unfolded, and a list of what covers what."""
    parts = []
    left = [DRAWN]
    for layer in layers:
        made = f", {layer.made.value}" if layer.made else ""
        inside = _html(layer.tree, open_depth, left) if layer.tree is not None else code_lines(_start(layer))
        title = f"<p><b>{safe(layer.title)}</b> ({len(layer.data)} bytes{safe(made)})</p>"
        parts.append(title + inside)
    if coverage:
        parts.append("<ul>" + "".join(f"<li>{safe(_said(c, layers))}</li>" for c in coverage) + "</ul>")
    return "<div>" + "".join(parts) + "</div>"


def _said(coverage: Coverage, layers: Sequence[LayerBytes]) -> str:
    where = ", ".join(f"bytes {s.start} to {s.end - 1} of {layers[s.layer].title}" for s in coverage.spans)
    note = f", {coverage.note}" if coverage.note else ""
    return f"{coverage.label}{note}: {where}"


def still_text(layers: Sequence[LayerBytes]) -> str:
    """Return indented lines for the layers."""
    out = []
    left = [LINES]
    for layer in layers:
        out.append(visible(layer.title))
        if layer.tree is None:
            out.append(f"  {visible(_start(layer))}")
        else:
            out += _text(layer.tree, 1, left)
    if left[0] <= 0:
        out.append(f"... more than {LINES} elements")
    return "\n".join(out)


def _start(layer: LayerBytes) -> str:
    text = layer.data[:200].decode("utf-8", "replace")
    more = len(layer.data) - 200
    return f"{text} ... {more} more characters" if layer.type_name == TEXT and more > 0 else text


def _line(node: Node) -> str:
    value = f" {node.value}" if node.value else ""
    kind = "" if node.type == node.name else f" {node.type}"
    return f"{node.name}{kind}{' (guess)' if node.guess else ''}{value}"


def _text(node: Node, depth: int, left: list[int]) -> Iterator[str]:
    line = visible(_line(node))
    yield f"{'  ' * depth}{line[:117] + '...' if len(line) > 120 else line}"
    left[0] -= 1
    if depth > _DEEPEST:
        return
    for child in node.children:
        if left[0] <= 0:
            return
        yield from _text(child, depth + 1, left)


def _html(node: Node, open_depth: int, left: list[int], depth: int = 0) -> str:
    left[0] -= 1
    kind = "" if node.type == node.name else f" <i>{safe(node.type)}</i>"
    value = f" <code>{safe(node.value)}</code>" if node.value else ""
    page = link(node.section)
    section = f'<a href="{page}">{safe(node.section)}</a>' if page else safe(node.section)
    section = f" <small>{section}</small>" if section else ""
    finding = f" <small>not DER: {safe(node.findings[0])}</small>" if node.findings else ""
    guess = " <small>(guess)</small>" if node.guess else ""
    meaning = f' title="{safe(node.meaning)}"' if node.meaning else ""
    label = f"<b{meaning}>{safe(node.name)}</b>{kind}{guess}{value}{section}{finding}"
    inside = []
    if depth < _DEEPEST:
        for number, child in enumerate(node.children):
            if left[0] <= 0:
                inside.append(f"<li>{len(node.children) - number} more</li>")
                break
            inside.append(f"<li>{_html(child, open_depth - 1, left, depth + 1)}</li>")
    elif node.children:
        inside.append(f"<li>{len(node.children)} more, deeper inside</li>")
    octets = _octets(node)
    body = f"{octets}<ul>{''.join(inside)}</ul>" if inside else octets
    opened = " open" if open_depth > 0 and node.children else ""
    return f"<details{opened}><summary>{label}</summary>{body}</details>"


def _octets(node: Node) -> str:
    length = node.content_end - node.content_start
    shown = node.element.data[node.content_start : min(node.content_end, node.content_start + _SHOWN)].hex(" ")
    more = f" ... {length - _SHOWN} more" if length > _SHOWN else ""
    lines = [node.header or f"{length} bytes", *([] if node.children else [f"{shown}{more}"] if shown else [])]
    inside = "\n".join(f"{'' if i else node.start:5}  {line}" for i, line in enumerate(lines))
    return code_lines(inside) + (f"<p>{safe(node.meaning)}</p>" if node.meaning else "")
