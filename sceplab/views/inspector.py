"""What the inspector shows of a capture: summary, causes, findings, and what one message consists of.

Rule: HTML and layers from decoded exchanges; every decision was made by
`sceplab.analysis`. Text from the capture is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.faults.model import Side, strongest_first
from sceplab.analysis.ranking import Cause
from sceplab.masking import without_passwords
from sceplab.report.bounds import LISTED, cut, listed
from sceplab.report.html import section_html, to_html
from sceplab.report.markdown import to_markdown
from sceplab.report.names import place
from sceplab.report.sections import causes_section, findings_section, ladder_section, verdict_section
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange, Materials
from sceplab.scep.message import PkiMessage
from sceplab.schema.layers import LayerBytes
from sceplab.views.text import code_lines, count, safe
from sceplab.views.viewer import AS_NEEDED, layers_to_show

# Characters of a request line and bytes of a body that are shown.
_TARGET = 2000
_BODY = 4000
# Certificates of one reply that are shown.
_CERTIFICATES = 20
_REPORTS = (("report.html", "text/html", to_html), ("report.md", "text/markdown", to_markdown))


# JupyterLab gives links in widgets the colour of text.
_AS_LINK = 'style="color:var(--jp-content-link-color, #0b57d0);text-decoration:underline"'


@dataclass(frozen=True, slots=True)
class Opened:
    """Layers for a viewer, with its title, the levels that are unfolded, and the message that they are of."""

    layers: tuple[LayerBytes, ...]
    title: str
    open_depth: int = AS_NEEDED
    message: PkiMessage | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about a message, with its bold start `head`; or preformatted `lines`."""

    text: str
    head: str = ""
    lines: bool = False

    @property
    def html(self) -> str:
        """The same as HTML, escaped."""
        if self.lines:
            return code_lines(self.text)
        head = f"<b>{safe(self.head)}</b> " if self.head else ""
        return f"<p>{head}{safe(self.text)}</p>"


def summary_html(analysis: Analysis, materials: Materials) -> str:
    """Return the verdicts, and how much there is."""
    told = "".join(f"<br><b>{safe(s)}</b>" for s in verdict_section(analysis).sentences)
    return (
        f"{count(len(analysis.decoded), 'exchange')}, {count(len(materials.keys), 'key')}, "
        f"{count(len(materials.certificates), 'certificate')}.{told}"
    )


def report_links_html(analysis: Analysis) -> str:
    """Return links that save a report in each format, secrets masked."""
    return "Report for a ticket, secrets masked: " + " ".join(
        f'<a {_AS_LINK} download="{name}" href="data:{kind};base64,'
        f'{base64.b64encode(make(analysis).encode()).decode()}">{name}</a>'
        for name, kind, make in _REPORTS
    )


def causes_html(analysis: Analysis) -> str:
    """Return the causes, likeliest first."""
    return section_html(causes_section(analysis))


def findings_html(analysis: Analysis, index: int) -> str:
    """Return the findings of one exchange, and the number of the others."""
    mine = strongest_first(analysis.by_exchange[index])
    rest = len(analysis.findings) - len(mine)
    items = (
        f"<li><b>{f.fault.level.value}</b> {safe(f.fault.rule)}<br>{safe(place(f.exchange, f.side))}: "
        f"{safe(cut(f.found))}{'<br>' + safe(f.fault.fix) if f.fault.fix else ''} "
        f"<small>{safe(f.fault.section)}</small></li>"
        for f in mine[:LISTED]
    )
    more = f"<p>{len(mine) - LISTED} more in this exchange.</p>" if len(mine) > LISTED else ""
    told = f"<ul>{''.join(items)}</ul>{more}" if mine else "<p>Nothing in this exchange.</p>"
    return f"<p><b>Exchange [{index}]</b></p>{told}" + (f"<p>{rest} more in other exchanges.</p>" if rest else "")


def selected_at_first(decoded: Sequence[DecodedExchange], causes: Sequence[Cause]) -> tuple[int, Side]:
    """Return exchange and side of the message to open: that of the first cause, else the first pkiMessage."""
    first = next((i for i, d in enumerate(decoded) if d.request or d.reply), 0)
    index = next((c.exchange for c in causes if c.exchange is not None), first)
    return index, Side.REQUEST if decoded[index].exchange.request is not None else Side.REPLY


def message_parts(item: DecodedExchange, side: Side) -> Iterator[Said | Opened]:
    """Yield what shows one message of an exchange: sentences, and layers for a viewer."""
    exchange, message = item.exchange, item.request if side is Side.REQUEST else item.reply
    for problem in listed(map(str, exchange.problems), "notes"):
        yield Said(cut(problem))
    if message is not None:
        if message.decrypt_error:
            yield Said(" ".join(message.decrypt_error.split()), "Not decrypted.")
        layers = layers_to_show(message, text=text_of(item, side))
        yield Opened(layers, layers[0].title, message=message)
    elif side is Side.REQUEST:
        yield from _request_parts(item)
    else:
        yield from _reply_parts(item)


def text_of(item: DecodedExchange, side: Side) -> str:
    """Return the base64 that the message of a request came in, "" where there is none."""
    return (item.operation.message_text or "") if item.operation is not None and side is Side.REQUEST else ""


def _request_parts(item: DecodedExchange) -> Iterator[Said | Opened]:
    request = item.exchange.request
    if item.csr is not None:
        title = "PKCS#10, alone"
        yield Opened(layers_to_show(item.csr.raw, "CertificationRequest", title=title), title, open_depth=4)
    elif request is not None:
        yield Said(f"{request.method} {without_passwords(request.target)[:_TARGET]}", lines=True)


def _reply_parts(item: DecodedExchange) -> Iterator[Said | Opened]:
    reply = item.exchange.reply
    for certificate in item.ca_certificates[:_CERTIFICATES]:
        title = str(certificate)
        yield Opened(layers_to_show(certificate.der, "Certificate", title=title), title)
    left = len(item.ca_certificates) - _CERTIFICATES
    if left > 0:
        yield Said(f"... and {count(left, 'more certificate')}")
    if reply is None:
        missing = "has no reply to this request" if item.exchange.recorded.answers else "does not record the reply"
        yield Said(f"The capture {missing}.")
    elif not item.ca_certificates:
        if reply.status is not None:
            yield Said(f"HTTP {reply.status} {reply.reason}")
        yield Said("\n".join(parse_caps(reply.body[:_BODY])), lines=True)


def inspector_html(analysis: Analysis) -> str:
    """Return ladder, causes and findings without scripts."""
    sections = (
        verdict_section(analysis),
        ladder_section(analysis.decoded),
        causes_section(analysis),
        findings_section(analysis.findings),
    )
    return "<div>" + "".join(section_html(section, inline=True) for section in sections) + "</div>"
