"""Faults other than RFC violations: damage in transit, wrong content, CA certificate sets, issued certificates."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import sceplab
from sceplab.analysis.faults import delivery
from sceplab.analysis.faults.model import Context
from sceplab.analysis.faults.registry import FAULTS, check_each, check_exchanges
from sceplab.analysis.faults.said import SAID
from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.attribute import Attribute
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.pem import build_pem
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.x509 import CertificateIdentifier, build_identifier
from sceplab.scep.transport import HttpReply
from tests.helpers import scenes as s
from tests.helpers.broken_rules import BROKEN
from tests.helpers.captures import certificate, key
from tests.helpers.causes import SCENES
from tests.helpers.certificates import make_certificate
from tests.helpers.scenes import Scene, scene

_FAILED = HttpReply(500, (), b"", "Internal Server Error")
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


def _asked(operation: str, body: bytes, status: int = 200, path: str = "/scep") -> Scene:
    return scene(s.sent(f"{path}?operation={operation}", HttpReply(status, (), body)))


def _plist() -> bytes:
    signer = sceplab.parse_certificate(s.device_certificate())
    algorithm = algorithms.AlgorithmIdentifier(oids.SHA256, der.NULL_ELEMENT)
    scheme = signature_algorithm_for(key("r3").public_key(), "sha256", "rsaEncryption")
    attributes = (Attribute(oids.CONTENT_TYPE, ()), Attribute(oids.MESSAGE_DIGEST, ()))
    draft = SignedDraft(build_identifier(signer), (signer.der,), attributes, algorithm, scheme)
    return build_signed(draft, b'<?xml version="1.0"?><!DOCTYPE plist><plist version="1.0"/>', key("r3"))


def _teletex() -> bytes:
    csr = s.csr()
    for tag in (b"\x13", b"\x0c"):
        csr = csr.replace(tag + b"\x06secret", b"\x14\x06secret")
    return csr


def _two_signers() -> bytes:
    signed = sceplab.decode_message(s.request()).signed
    from sceplab.cms.signed import serialize_signed

    return serialize_signed(replace(signed, signer_infos=signed.signer_infos * 2))


def _ec_ca() -> bytes:
    return make_certificate("EC CA", ec.generate_private_key(ec.SECP256R1()), ca=True)


def _ca() -> bytes:
    return make_certificate("CA", key("ca"), usage=(True, True), ca=True)


def _ra() -> bytes:
    return make_certificate("RA", key("ra"), issuer="CA", signer=key("ca"), usage=(False, True))


def _ra_of_other_ca() -> bytes:
    return make_certificate("RA", key("ra"), issuer="Other CA", signer=s.new_key(number=1))


FOUND: dict[str, Callable[[], Scene]] = {
    "apple-profile": lambda: scene(s.posted(_plist(), _FAILED)),
    "binary-transaction-id": lambda: scene(s.posted(s.request(transaction="\x01\x02"), _FAILED)),
    "ca-empty": lambda: _asked("GetCACert", b""),
    "ca-html": lambda: _asked("GetCACert", _PAGE),
    "ca-instead-of-ra": lambda: scene(s.ca(_ca(), _ra()), s.posted(s.request(recipients=[_ca()]), _FAILED)),
    "ca-pem": lambda: _asked("GetCACert", build_pem("CERTIFICATE", _ca())),
    "ca-unreadable": lambda: _asked("GetCACert", b"no such CA here"),
    "ca-usage": lambda: scene(s.ca(make_certificate("CA", key("ca"), usage=(False, False), ca=True))),
    "ca-without-rsa": lambda: scene(s.ca(_ec_ca())),
    "caps-form": lambda: scene(s.caps("AES, SHA-256, POSTPKIOperation")),
    "caps-html": lambda: scene(s.caps(_PAGE.decode())),
    "challenge-type": lambda: scene(s.posted(s.request(_teletex()), _FAILED)),
    "csr-base64": lambda: scene(s.posted(s.request(base64.b64encode(s.csr())), _FAILED)),
    "csr-no-outer": lambda: scene(s.posted(s.request(s.csr()[4:]), _FAILED)),
    "csr-pem": lambda: scene(s.posted(s.request(build_pem("CERTIFICATE REQUEST", s.csr())), _FAILED)),
    "envelope-alone": lambda: scene(s.posted(sceplab.decode_message(s.request()).signed.content or b"", _FAILED)),
    "equal-nonces": lambda: scene(s.posted(s.request(recipient_nonce=s.NONCE), _FAILED)),
    "issued-not-first": lambda: scene(s.posted(s.request(), s.reply(issued=[certificate("ca"), s.issue()]))),
    "message-data": lambda: scene(s.posted(s.request(message_type="20"), _FAILED)),
    "one-signer": lambda: scene(s.posted(_two_signers(), _FAILED)),
    "operation-not-found": lambda: scene(s.caps(), s.posted(s.request(), HttpReply(404, (), b"", "Not Found"))),
    "port-in-path": lambda: _asked("GetCACert", b"", 404, "/scep:8081"),
    "ra-not-of-ca": lambda: scene(s.ca(_ca(), _ra_of_other_ca())),
    "readable": lambda: scene(s.posted(s.request()[:-90], _FAILED)),
    "recipient-nonce-in-request": lambda: scene(s.posted(s.request(recipient_nonce=b"\x09" * 16), _FAILED)),
    "renewed-nothing": lambda: scene(
        s.posted(
            s.request(s.csr(challenge=None), message_type="17", signer=s.issue(), signing_key=key("r3")),
            s.reply(issued=[s.issue()], recipient=s.issue()),
        )
    ),
    "text-ascii": lambda: scene(
        s.posted(s.request().decode("ascii", "replace").replace("\ufffd", "?").encode(), _FAILED)
    ),
    "text-crlf": lambda: scene(s.posted(s.request().replace(b"\n", b"\r\n"), _FAILED)),
    "text-utf8": lambda: scene(s.posted(s.request().decode("utf-8", "replace").encode(), _FAILED)),
    "unknown-ca": lambda: scene(
        s.caps(),
        s.sent(f"{s.caps().request.target.partition('?')[0]}?operation=GetCACert&message=X", HttpReply(404)),  # type: ignore[union-attr]
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_each_fault_is_found_in_its_scene(name: str) -> None:
    """The scene named after a fault shows it with evidence."""
    made = FOUND[name]()
    found = {f.fault.id: f for findings in check_each(made.decode()) for f in findings}
    assert name in found, sorted(found)
    assert found[name].found


def test_every_fault_has_a_scene() -> None:
    """Every fault is found in a scene or is in the table of faults that only log text reports."""
    broken = {f.fault.id for make in SCENES.values() for f in check_exchanges(make().decode())}
    scenes = {*SCENES, *BROKEN, *FOUND, *broken, "key-id-wrapped"}
    assert sorted(set(FAULTS) - {f.id for f in SAID} - scenes) == []
    assert len(FAULTS) > 150


def test_a_key_identifier_that_includes_its_der_header() -> None:
    """A recipient identifier of 04 14 plus the CA's own is reported as wrapped, not as a wrong recipient."""
    ca = sceplab.parse_certificate(certificate("ca"))
    own = ca.subject_key_identifier
    assert own is not None
    (item,) = scene(s.posted(s.request(), _FAILED)).decode()
    assert item.request is not None
    assert item.request.enveloped is not None
    (recipient, *_) = item.request.enveloped.recipients
    assert isinstance(recipient, KeyTransRecipient)
    wrapped = CertificateIdentifier(None, b"", b"\x04\x14" + own, b"")
    enveloped = replace(item.request.enveloped, recipients=(replace(recipient, identifier=wrapped),))
    changed = replace(item, request=replace(item.request, enveloped=enveloped, opened=None))
    hits = {hit.fault.id for hit in delivery.recipients(changed, Context(certificates={"": (ca,)}))}
    assert "key-id-wrapped" in hits
    assert "wrong-recipient" not in hits


def test_state_is_kept_per_server() -> None:
    """One capture holds the exchanges of a client with an RA and of the RA with the CA; certificates do not mix."""
    ra = [replace(e, server="192.0.2.2:80") for e in (s.ca(_ra(), _ca()), s.posted(s.request(), s.reply(signer=_ra())))]
    ca = [replace(e, server="192.0.2.1:80") for e in (s.ca(certificate("ca")), s.posted(s.request(), s.reply()))]
    for exchanges in ((*ra, *ca), (ra[0], ca[0], ca[1], ra[1])):
        found = {f.fault.id for findings in check_each(scene(*exchanges).decode()) for f in findings}
        assert "reply-signer" not in found
