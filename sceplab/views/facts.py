"""What a message is, in a line: what it asks, who signed it, for whom, with what, and whether that holds.

Rule: each fact is the value of one element, and names its place, so that it can be
shown. Verdicts are those of the decoded message; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.cms.algorithms import DIGESTS_BY_OID, ContentCipher, Digest
from sceplab.cms.verify import Check, CheckName
from sceplab.cms.x509 import Certificate
from sceplab.scep.message import PkiMessage
from sceplab.schema import Node, by_path, nodes_of
from sceplab.schema.coverage import Covered
from sceplab.schema.layers import LayerBytes, Made
from sceplab.views.state import Fact
from sceplab.views.text import visible

# Elements among which the places are looked for.
_NEAR = 2000
# Characters of one fact.
_LONGEST = 60


def facts_of(message: PkiMessage | None, layers: Sequence[LayerBytes]) -> list[Fact]:
    """Return the facts of a message in reading order, each with its place; [] for no message."""
    return [] if message is None else list(_facts(message, layers))


def verdict_of(message: PkiMessage | None, kind: Covered, field: str) -> str:
    """Return the outcome of the check of what a signature, digest or key covers, "" where none was made."""
    check: Check | None = None
    if message is None:
        return ""
    if kind is Covered.DIGEST:
        check = message.verification[CheckName.DIGEST]
    elif kind is Covered.SIGNATURE and field in {"signedAttrs", "eContent"}:
        check = message.verification[CheckName.SIGNATURE]
    elif kind is Covered.SIGNATURE and field == "certificationRequestInfo":
        check = message.proof_of_possession
    return "" if check is None else check.outcome.value


def _facts(message: PkiMessage, layers: Sequence[LayerBytes]) -> Iterator[Fact]:
    first = next((i for i, layer in enumerate(layers) if layer.tree is not None), -1)
    if first < 0:
        return
    near = [n for n, _ in zip(nodes_of(layers[first].tree), range(_NEAR), strict=False)]  # type: ignore[arg-type]

    def at(owner: str, name: str) -> Node | None:
        """Return the first element with that name in a structure of that type."""
        around = next((n for n in near if n.type == owner), None)
        return next((n for n in nodes_of(around) if n.name == name), None) if around is not None else None

    def value(name: str) -> Node | None:
        return next((n for n in near if n.name == name and not n.children), None)

    kind, status, reason = value("messageType"), value("pkiStatus"), value("failInfo")
    verification = message.verification
    signer, recipient = at("SignerInfo", "sid"), at("KeyTransRecipientInfo", "rid")
    if kind is not None:
        yield _fact("message", _word(kind), first, kind)
    for about, node in (("status", status), ("failInfo", reason)):
        if node is not None:
            yield _fact(about, _word(node), first, node)
    if signer is not None:
        name = _named(verification.signer) or _said(signer)
        yield _fact("from", name, first, signer)
    if recipient is not None:
        yield _fact("to", _said(recipient), first, recipient)
    for index, layer in enumerate(layers):
        if layer.made is Made.DECRYPTED and layer.tree is not None and message.csr is not None:
            subject = by_path(layer.tree, "certificationRequestInfo.subject")
            if subject is not None:
                yield _fact("for", _short(subject.value) or "an empty name", index, subject)
    digest = at("SignerInfo", "digestAlgorithm")
    cipher = at("EncryptedContentInfo", "contentEncryptionAlgorithm")
    info, envelope = message.signed.signer_info, message.enveloped
    if digest is not None and info is not None:
        used = DIGESTS_BY_OID.get(info.digest_algorithm.oid)
        yield _fact("digest", _algorithm(info.digest_algorithm.name, used), first, digest)
    if cipher is not None and envelope is not None:
        yield _fact("cipher", _algorithm(envelope.content_encryption.name, envelope.cipher), first, cipher)
    signature = at("SignerInfo", "signature")
    if signature is not None:
        yield _fact("signature", verification[CheckName.SIGNATURE].outcome.value, first, signature)
    content = at("EncryptedContentInfo", "encryptedContent")
    if content is not None:
        opened = message.opened
        how = (
            "closed: no key" if opened is None else "opened with a password" if opened.password else "opened with a key"
        )
        yield _fact("content", how, first, content)


def _algorithm(name: str, known: Digest | ContentCipher | None) -> str:
    return f"{name}, weak" if known is not None and known.weak else name


def _fact(about: str, text: str, buffer: int, node: Node) -> Fact:
    text = visible(text)
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
    return {"about": about, "text": shown, "buffer": buffer, "offset": node.start}


def _word(node: Node) -> str:
    """Return the word that stands for a number ("19 = PKCSReq")."""
    return node.value.rpartition(" = ")[2]


def _said(rid: Node) -> str:
    """Return what an IssuerAndSerialNumber says, or a key identifier."""
    issuer, serial = (next((c for c in rid.children if c.name == name), None) for name in ("issuer", "serialNumber"))
    if issuer is None or serial is None:
        return rid.value
    return f"{_short(issuer.value)}, serial {serial.content.hex()}"


def _named(certificate: Certificate | None) -> str:
    return "" if certificate is None else _short(str(certificate.subject))


def _short(name: str) -> str:
    """Return the value of the commonName or unstructuredName of a name in text, else all of it."""
    parts = [part.partition("=") for piece in name.split(",") for part in piece.split("+")]
    best = next((v for wanted in ("CN", "unstructuredName") for k, _, v in parts if k == wanted), "")
    return best or name
