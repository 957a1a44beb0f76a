"""Limits on the work that opening an envelope may cost: its sender chooses the recipients and the PBKDF2 rounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sceplab
from sceplab.analysis.faults.registry import check_message
from sceplab.asn1 import der, oids
from sceplab.cms import enveloped, password
from sceplab.cms.cipher import gcm_fault
from sceplab.cms.enveloped import MAX_RECIPIENTS, EnvelopedData, decrypt, parse_enveloped
from sceplab.cms.signed import parse_signed
from sceplab.cms.x509 import load_public_key
from sceplab.errors import BuildError, DecryptError
from sceplab.lab.opening import Refused, SignedRequest, open_request
from sceplab.scep.attributes import ScepAttributes
from tests.helpers import forge, scenes
from tests.helpers.captures import certificate, key

_AES = der.sequence(der.oid(oids.AES_128_CBC), der.encode(der.OCTET_STRING, bytes(16)))


def _with_password(rounds: int) -> bytes:
    """Return a 100-byte PasswordRecipientInfo that asks for `rounds` PBKDF2 rounds."""
    salt = der.encode(der.OCTET_STRING, bytes(8))
    return der.encode(
        0xA3,
        der.integer(0),
        der.context(0, der.oid(oids.PBKDF2), der.sequence(salt, der.integer(rounds))),
        der.sequence(der.oid(oids.PWRI_KEK), _AES),
        der.encode(der.OCTET_STRING, bytes(32)),
    )


def _with_key() -> bytes:
    ca = sceplab.parse_certificate(certificate("ca"))
    whom = der.sequence(ca.issuer.raw, der.encode(der.INTEGER, ca.serial))
    rsa = der.sequence(der.oid(oids.RSA_ENCRYPTION), der.NULL_ELEMENT)
    return der.sequence(der.integer(0), whom, rsa, der.encode(der.OCTET_STRING, bytes(256)))


def _envelope(*recipients: bytes) -> EnvelopedData:
    content = der.sequence(der.oid(oids.DATA), _AES, der.encode(0x80, bytes(32)))
    body = der.sequence(der.integer(3), der.encode(der.SET, *recipients), content)
    return parse_enveloped(der.sequence(der.oid(oids.ENVELOPED_DATA), der.context(0, body)))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the rounds of each key derivation instead of computing them."""
    spent: list[int] = []

    class Counted:
        def __init__(self, _hash: object, length: int, _salt: bytes, iterations: int) -> None:
            spent.append(iterations)
            self.length = length

        def derive(self, _password: bytes) -> bytes:
            return bytes(self.length)

    monkeypatch.setattr(password, "PBKDF2HMAC", Counted)
    return spent


def test_all_recipients_of_a_message_share_one_round_limit(rounds: list[int]) -> None:
    """Thirty recipients, each below the limit, and three passwords."""
    hostile = _envelope(*[_with_password(9_000_000)] * 30)
    with pytest.raises(DecryptError):
        decrypt(hostile, passwords=[b"a", b"b", b"c"])
    assert 0 < sum(rounds) <= password.MAX_PBKDF2_ROUNDS


def test_negative_rounds_do_not_raise_the_limit(rounds: list[int]) -> None:
    """A negative round count must not lower the running sum."""
    with pytest.raises(DecryptError):
        decrypt(_envelope(*[_with_password(9_000_000), _with_password(-9_000_000)] * 15), passwords=[b"a"])
    assert sum(rounds) <= password.MAX_PBKDF2_ROUNDS


def test_ten_passwords_at_a_usual_round_count_are_all_tried(rounds: list[int]) -> None:
    """OWASP's recommended round count, with ten passwords."""
    with pytest.raises(DecryptError):
        decrypt(_envelope(_with_password(600_000)), passwords=[bytes((n,)) for n in range(10)])
    assert len(rounds) == 10


@pytest.mark.parametrize("position", ["first", "last"])
def test_the_lab_limits_the_rounds_of_all_recipients(rounds: list[int], position: str) -> None:
    """Regression: only the first recipient's rounds were limited; four POSTs blocked a CA for a minute."""
    cheap, dear = _with_password(1000), [_with_password(900_000)] * 20
    recipients = (cheap, *dear) if position == "first" else (*dear, cheap)
    signed = parse_signed(forge.message(forge.good().info()))
    leaf = sceplab.parse_certificate(forge.octets(forge.leaf()))
    asked = SignedRequest(signed, ScepAttributes(), leaf, _envelope(*recipients))
    with pytest.raises(Refused, match="rounds"):
        open_request(asked, (), ["one", "two"])
    assert rounds == []


def test_a_draft_of_a_hostile_envelope_is_refused(rounds: list[int]) -> None:
    """Rebuilding a captured envelope derives the same keys, so the same limit applies."""
    hostile = _envelope(*[_with_password(9_000_000)] * 30)
    opened = enveloped.Opened(b"", b"", b"", hostile.recipients[0], "")  # type: ignore[arg-type]
    with pytest.raises(BuildError):
        enveloped.draft_of_enveloped(hostile, opened, passwords=[b"a"])
    assert rounds == []


def test_the_number_of_recipients_tried_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message has room for 10,000 recipients, and each would cost one decryption per key."""
    tried: list[object] = []

    def refuse(*arguments: Any) -> None:
        tried.append(arguments)
        raise ValueError

    monkeypatch.setattr(enveloped, "decrypt_key", refuse)
    with pytest.raises(DecryptError) as error:
        decrypt(_envelope(*[_with_key()] * 2000), keys=[key("ca"), key("ra")], certificates=[certificate("ca")])
    assert len(tried) == MAX_RECIPIENTS * 2
    assert str(error.value).count("\n") < 120


def test_an_exponent_as_long_as_the_modulus_is_refused() -> None:
    """Such an exponent makes each signature check 100 times slower; FIPS 186-5 limits exponents to 256 bits."""
    numbers = forge.fresh_key("leaf").public_key().public_numbers()
    for exponent, good in ((65537, True), ((1 << 255) + 1, True), (numbers.n - 2, False)):
        info = der.sequence(
            der.sequence(der.oid(oids.RSA_ENCRYPTION), der.NULL_ELEMENT),
            der.encode(der.BIT_STRING, b"\0", der.sequence(der.integer(numbers.n), der.integer(exponent))),
        )
        if good:
            load_public_key(info)
        else:
            with pytest.raises(ValueError, match="exponent"):
                load_public_key(info)


def test_malformed_gcm_parameters_of_step_ca_are_decrypted() -> None:
    """GCMParameters as step-ca sends them, with a primitive SEQUENCE tag and the nonce as [4]; reported as a fault."""
    message = sceplab.decode_message(scenes.gcm_reply(), keys=[key("r3")])
    assert message.message_data is not None
    assert message.enveloped is not None
    (wrong,) = [f.found for f in check_message(message) if f.fault.id == "gcm-parameters"]
    assert wrong == "their SEQUENCE is not constructed, and holds another; the nonce has tag 84, not 04 (OCTET STRING)"
    right = sceplab.decode_message(scenes.reply(cipher="aes-256-gcm"), keys=[key("r3")])
    assert right.message_data is not None
    assert [f for f in check_message(right) if f.fault.id == "gcm-parameters"] == []
    assert right.enveloped is not None
    for parameters in (None, b"", b"\x10\x00", b"\x10\x02\x30\x00", b"\x30\x00", b"\x04\x01\x00", b"\x10\x80"):
        assert isinstance(gcm_fault(replace(right.enveloped.content_encryption, parameters=parameters)), str)
