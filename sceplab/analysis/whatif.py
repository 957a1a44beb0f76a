"""Edit a message and run all checks again.

Rule: an edit returns new bytes and repairs nothing, e.g. no signature. `judge` has no
checks of its own: it lists the results of decoding and verifying.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sceplab.analysis.faults.model import Level
from sceplab.analysis.faults.registry import check_message
from sceplab.asn1 import der
from sceplab.asn1.scan import CUT, INDEFINITE
from sceplab.cms.cipher import encrypt_content
from sceplab.cms.verify import Check, CheckName, Outcome
from sceplab.errors import BuildError, Problem
from sceplab.scep.conversation import NO_MATERIALS, Materials
from sceplab.scep.message import PkiMessage, decode_message
from sceplab.schema import describe, find
from sceplab.schema.layers import LayerBytes, Made


@dataclass(frozen=True, slots=True)
class Judged:
    """A message with all its checks. Of the rules of RFCs only broken ones are listed; a missing one has passed."""

    message: PkiMessage
    checks: tuple[Check, ...]

    def broke(self, before: Judged) -> tuple[str, ...]:
        """Return the names of the checks that passed before and do not pass now."""
        missed = {c.name for c in before.checks if c.outcome is not Outcome.PASSED}
        return tuple(str(c.name) for c in self.checks if c.outcome is not Outcome.PASSED and c.name not in missed)


def judge(data: bytes, materials: Materials = NO_MATERIALS, at: datetime | None = None) -> Judged:
    """Decode a message with the given materials and return all checks. Never raises on content.

    The checks: "SignedData", those of `signed.Verification`, "SCEP attributes",
    "EnvelopedData", "decryption", "messageData", "proof of possession", and
    "rule ..." for each broken MUST and SHOULD of `registry.FAULTS` that no other
    check covers.
    """
    message = decode_message(
        data,
        keys=materials.keys,
        certificates=materials.certificates,
        passwords=materials.passwords,
        trust=materials.trust,
        at=at,
    )
    checks = [_readable("SignedData", message.signed.problems), *message.verification.checks]
    checks.append(_readable("SCEP attributes", message.attributes.problems))
    if message.enveloped is None:
        nothing = "there is no pkcsPKIEnvelope"
        checks += [Check(n, Outcome.NOT_POSSIBLE, nothing) for n in ("EnvelopedData", "decryption", "messageData")]
        return Judged(message, (*checks, *_rules(message)))
    checks.append(_readable("EnvelopedData", message.enveloped.problems))
    if message.opened is None:
        possible = Outcome.FAILED if materials.keys or materials.passwords else Outcome.NOT_POSSIBLE
        checks.append(Check("decryption", possible, " ".join(message.decrypt_error.split())))
        checks.append(Check("messageData", Outcome.NOT_POSSIBLE, "it could not be decrypted"))
    else:
        checks.append(Check("decryption", Outcome.PASSED, message.opened.how))
        data_problems = message.message_data.problems if message.message_data is not None else ()
        checks.append(_readable("messageData", data_problems))
    if message.proof_of_possession is not None:
        checks.append(message.proof_of_possession)
    else:
        checks.append(Check(CheckName.POSSESSION, Outcome.NOT_POSSIBLE, "no PKCS#10 request was read"))
    return Judged(message, (*checks, *_rules(message)))


def materials_of(message: PkiMessage, more: Materials = NO_MATERIALS) -> Materials:
    """Return `more`, and the key or password that opened a message and the certificate that verified it."""
    opened, signer = message.opened, message.verification.signer
    keys = (opened.key,) if opened is not None and opened.key is not None and opened.key not in more.keys else ()
    passwords = (opened.password,) if opened is not None and opened.password is not None else ()
    found = (signer.der,) if signer is not None and not message.verification.signer_in_message else ()
    return replace(
        more,
        keys=(*more.keys, *keys),
        certificates=(*more.certificates, *found),
        passwords=(*more.passwords, *passwords),
    )


# Rules that the other checks cover.
_CHECKED = {"readable", "digest", "signature", "chain", "validity", "message-data", "possession"}


def _rules(message: PkiMessage) -> Iterator[Check]:
    broken: dict[str, str] = {}
    for finding in check_message(message):
        rule = finding.fault
        if rule.level is not Level.INFO and rule.id not in _CHECKED:
            before = f"{broken[rule.id]}; " if rule.id in broken else f"{rule.level.value}, {rule.section}: "
            broken[rule.id] = before + finding.found
    for name, detail in broken.items():
        yield Check(f"rule {name}", Outcome.FAILED, detail)


def _readable(name: str, problems: tuple[Problem, ...]) -> Check:
    if not problems:
        return Check(name, Outcome.PASSED, "read without a problem")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Check(name, Outcome.FAILED, f"{problems[0]}{more}")


def overwrite(data: bytes, offset: int, octets: bytes) -> bytes:
    """Return the bytes with those at `offset` replaced by `octets`; raises BuildError outside the data."""
    if not 0 <= offset <= len(data) - len(octets):
        raise BuildError(f"bytes {offset} to {offset + len(octets)} are not inside the {len(data)} there are")
    return data[:offset] + octets + data[offset + len(octets) :]


def replace_content(data: bytes, offset: int, content: bytes, type_name: str = "ContentInfo") -> bytes:
    """Return the bytes with the content of the element that starts at `offset` replaced.

    The lengths of all elements around it are adjusted, also through strings that
    hold ASN.1; indefinite lengths stay indefinite. Raises BuildError if no
    element starts there.
    """
    around = find(describe(data, type_name), offset)
    if not around or around[-1].start != offset:
        raise BuildError(f"no element starts at byte {offset}")
    end = around[-1].end
    start, new = offset, content
    for number, node in enumerate(reversed(around)):
        if number:
            new = data[node.content_start : start] + new + data[end : node.content_end]
        head = node.element.tag.to_bytes((max(node.element.tag.bit_length(), 1) + 7) // 8, "big")
        if node.flags & (INDEFINITE | CUT) == INDEFINITE:
            new = head + b"\x80" + new + b"\0\0"
        else:
            new = head + der.encode_length(len(new)) + new
        start, end = node.start, node.end
    return data[:start] + new + data[end:]


def encode_content(tag: int, value: str | int) -> bytes:
    """Return the content bytes of a value typed by a person, encoded for an element with that tag.

    Raises ValueError for a value that does not fit.
    """
    if tag == der.INTEGER:
        return der.read(der.integer(int(value))).value
    if tag == der.OID:
        return der.read(der.oid(str(value))).value
    if tag in der.STRING_TYPE_NAMES and tag != der.OCTET_STRING:
        return der.encode_text(tag, str(value))
    return str(value).encode()


def reseal(layers: Sequence[LayerBytes], message: PkiMessage, plaintext: bytes) -> bytes:
    """Return the message with another plaintext, encrypted with the same key and IV, but not signed again.

    Raises BuildError if the envelope was not opened or is in BER segments.
    """
    last = layers[-1]
    if message.opened is None or message.enveloped is None or last.parent is None or last.made is not Made.DECRYPTED:
        raise BuildError("the envelope was not opened, so nothing inside can be changed")
    if layers[last.parent].data != message.raw or message.enveloped.cipher is None:
        raise BuildError("the envelope came in BER segments: change its bytes, not what is inside")
    opened = message.opened
    ciphertext = encrypt_content(message.enveloped.cipher, opened.content_key, opened.iv, plaintext)
    return replace_content(message.raw, last.at, ciphertext)
