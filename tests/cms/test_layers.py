"""Each layer is decoded and encoded with the same table; openssl is the independent check."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import sceplab
from sceplab import DecryptError, MessageType, Outcome, PkiStatus, ScepAttributes, Trust, openssl
from sceplab.asn1 import der
from sceplab.cms import algorithms
from sceplab.cms.attribute import Attribute
from sceplab.cms.csr import parse_csr, serialize_csr
from sceplab.cms.name import NameAttribute, build_name
from sceplab.cms.signature import SigningKey
from sceplab.cms.signed import parse_signed, serialize_signed
from sceplab.cms.x509 import parse_certificate
from sceplab.errors import BuildError
from sceplab.scep import messagedata
from sceplab.scep.attributes import build_attributes, parse_attributes
from tests.helpers.captures import needs
from tests.helpers.certificates import make_certificate

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _certificate(
    name: str, own: SigningKey, issuer: tuple[str, SigningKey] | None = None, *, ca: bool = False
) -> bytes:
    """Return a certificate with a subjectKeyIdentifier that is valid from a day before `NOW`."""
    issuer_name, signer = issuer or (name, own)
    return make_certificate(
        name,
        own,
        issuer=issuer_name,
        signer=signer,
        serial=78 if issuer else 77,
        start=NOW - timedelta(days=1),
        usage=None,
        ca=ca,
        key_identifier=True,
    )


@pytest.fixture(scope="module")
def ca_key() -> rsa.RSAPrivateKey:
    """The CA's key."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ra_key() -> rsa.RSAPrivateKey:
    """The RA's key."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ca(ca_key: rsa.RSAPrivateKey) -> bytes:
    """The CA's certificate."""
    return _certificate("CA", ca_key, ca=True)


@pytest.fixture(scope="module")
def ra(ra_key: rsa.RSAPrivateKey, ca_key: rsa.RSAPrivateKey) -> bytes:
    """The RA's certificate."""
    return _certificate("RA", ra_key, ("CA", ca_key))


@pytest.fixture(scope="module")
def csr(ra_key: rsa.RSAPrivateKey) -> bytes:
    """A request."""
    subject = build_name([[NameAttribute("2.5.4.3", "device", "PrintableString")]])
    return sceplab.build_csr(subject, ra_key, challenge_password="s3cret")


ATTRIBUTES = ScepAttributes(message_type="19", transaction_id="T-1", sender_nonce=bytes(range(16)))


@pytest.mark.parametrize("digest", algorithms.DIGESTS)
@pytest.mark.parametrize("cipher", algorithms.CIPHERS)
def test_every_digest_and_cipher_round_trips(
    digest: str, cipher: str, ca: bytes, ra: bytes, ca_key: rsa.RSAPrivateKey, ra_key: rsa.RSAPrivateKey, csr: bytes
) -> None:
    """Built by name, decoded with every check passed, and rebuilt byte for byte."""
    draft = sceplab.draft_message(
        ATTRIBUTES, csr, signer_certificate=ra, recipients=[ca], digest=digest, cipher=cipher, signing_time=NOW
    )
    message = sceplab.encode_message(draft, ra_key)
    decoded = sceplab.decode_message(message, keys=[ca_key], trust=Trust((ca,)))
    assert [c.outcome for c in decoded.verification.checks] == [Outcome.PASSED] * 7
    assert decoded.opened is not None
    assert csr == decoded.opened.plaintext
    assert ATTRIBUTES == decoded.attributes
    assert not decoded.problems
    assert message == sceplab.encode_message(sceplab.draft_of(decoded, keys=[ca_key]), ra_key)


OPENSSL_CIPHERS = [c for c in algorithms.CIPHERS if not c.endswith("gcm")]


@needs("openssl")
@pytest.mark.parametrize("digest", algorithms.DIGESTS)
@pytest.mark.parametrize("cipher", OPENSSL_CIPHERS)
def test_openssl_reads_what_we_build(
    digest: str,
    cipher: str,
    ca: bytes,
    ra: bytes,
    ca_key: rsa.RSAPrivateKey,
    ra_key: rsa.RSAPrivateKey,
    csr: bytes,
    tmp_path: Path,
) -> None:
    """The signature and the envelope of every message that sceplab builds, checked with openssl."""
    draft = sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=ra, recipients=[ca], digest=digest, cipher=cipher)
    (tmp_path / "m").write_bytes(sceplab.encode_message(draft, ra_key))
    _pem(tmp_path / "ca.pem", ca)
    (tmp_path / "ca.key").write_bytes(_pem_key(ca_key))
    openssl.run(openssl.verify(tmp_path / "m", tmp_path / "ca.pem", tmp_path / "e", check_time=False))
    openssl.run(
        openssl.decrypt(tmp_path / "e", tmp_path / "ca.pem", tmp_path / "ca.key", tmp_path / "csr", cipher=cipher)
    )
    assert csr == (tmp_path / "csr").read_bytes()


@needs("openssl")
@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-256-cbc", "des-ede3-cbc"])
def test_we_read_what_openssl_encrypts(
    cipher: str, ca: bytes, ca_key: rsa.RSAPrivateKey, csr: bytes, tmp_path: Path
) -> None:
    """Envelopes made by openssl, with every cipher."""
    (tmp_path / "csr").write_bytes(csr)
    _pem(tmp_path / "ca.pem", ca)
    openssl.run(openssl.encrypt(tmp_path / "csr", tmp_path / "ca.pem", tmp_path / "e", cipher=cipher))
    opened = sceplab.decrypt(sceplab.parse_enveloped((tmp_path / "e").read_bytes()), keys=[ca_key])
    assert csr == opened.plaintext


OPENSSL_OPTIONS = {
    "OAEP": ["-keyopt", "rsa_padding_mode:oaep"],
    "OAEP with SHA-256": ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
    "recipient by key identifier": ["-keyid"],
    "BER, streamed": ["-stream", "-indef"],
}


@needs("openssl")
@pytest.mark.parametrize("options", OPENSSL_OPTIONS.values(), ids=OPENSSL_OPTIONS)
def test_we_read_oaep_ski_and_streamed_envelopes_of_openssl(
    options: list[str], ca: bytes, ca_key: rsa.RSAPrivateKey, csr: bytes, tmp_path: Path
) -> None:
    """OAEP, recipients named by subjectKeyIdentifier, and streamed BER; each is rebuilt byte for byte."""
    (tmp_path / "csr").write_bytes(csr)
    _pem(tmp_path / "ca.pem", ca)
    command = ["openssl", "cms", "-encrypt", "-binary", "-aes128", "-outform", "DER", "-in", str(tmp_path / "csr")]
    command += ["-out", str(tmp_path / "e"), "-recip", str(tmp_path / "ca.pem"), *options]
    openssl.run(command)
    data = (tmp_path / "e").read_bytes()
    enveloped = sceplab.parse_enveloped(data)
    assert not enveloped.problems
    opened = sceplab.decrypt(enveloped, keys=[ca_key])
    assert csr == opened.plaintext
    from sceplab.cms.enveloped import build_enveloped, draft_of_enveloped

    assert data == build_enveloped(draft_of_enveloped(enveloped, opened, keys=[ca_key]), csr)


@needs("openssl")
def test_we_read_openssls_password_recipient(csr: bytes, tmp_path: Path) -> None:
    """A PasswordRecipientInfo made by openssl; a wrong password is refused."""
    (tmp_path / "csr").write_bytes(csr)
    command = ["openssl", "cms", "-encrypt", "-binary", "-aes128", "-outform", "DER", "-in", str(tmp_path / "csr")]
    openssl.run([*command, "-out", str(tmp_path / "e"), "-pwri_password", "s3cret"])
    enveloped = sceplab.parse_enveloped((tmp_path / "e").read_bytes())
    assert csr == sceplab.decrypt(enveloped, passwords=[b"wrong", b"s3cret"]).plaintext
    with pytest.raises(DecryptError, match="challengePassword"):
        sceplab.decrypt(enveloped, passwords=[b"wrong"])


@needs("openssl")
def test_openssl_reads_our_password_recipient(ra: bytes, ra_key: rsa.RSAPrivateKey, csr: bytes, tmp_path: Path) -> None:
    """A PasswordRecipientInfo made by sceplab, opened with openssl."""
    draft = sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=ra, password=b"s3cret")
    message = sceplab.encode_message(draft, ra_key)
    (tmp_path / "e").write_bytes(parse_signed(message).content or b"")
    where = ["-in", str(tmp_path / "e"), "-out", str(tmp_path / "csr"), "-pwri_password", "s3cret"]
    openssl.run(["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", *where])
    assert csr == (tmp_path / "csr").read_bytes()


def _pem(path: Path, certificate: bytes) -> None:
    path.write_bytes(x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM))


def _pem_key(key: SigningKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_oaep_round_trips(
    digest: str, ca: bytes, ra: bytes, ca_key: rsa.RSAPrivateKey, ra_key: rsa.RSAPrivateKey, csr: bytes
) -> None:
    """OAEP chosen by name; the seed is recovered, so the message can be rebuilt."""
    draft = sceplab.draft_message(
        ATTRIBUTES, csr, signer_certificate=ra, recipients=[ca], digest=digest, key_transport="oaep"
    )
    message = sceplab.encode_message(draft, ra_key)
    decoded = sceplab.decode_message(message, keys=[ca_key])
    assert decoded.opened is not None
    assert csr == decoded.opened.plaintext
    assert message == sceplab.encode_message(sceplab.draft_of(decoded, keys=[ca_key]), ra_key)


def test_an_ec_client_encrypts_with_the_challenge_password(csr: bytes) -> None:
    """An EC key cannot decrypt: the signature is ECDSA, and the envelope uses the challengePassword (RFC 8894, 3.1)."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate("EC device", key)
    draft = sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=certificate, password=b"s3cret")
    decoded = sceplab.decode_message(sceplab.encode_message(draft, key), passwords=[b"s3cret"])
    assert decoded.verification.intact
    assert decoded.opened is not None
    assert csr == decoded.opened.plaintext
    assert decoded.enveloped is not None
    assert decoded.enveloped.version == 3
    with pytest.raises(BuildError, match="password"):
        sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=certificate, recipients=[certificate])


@pytest.mark.parametrize("scheme", ["rsaEncryption", "digestWithRSA", "pss"])
def test_signature_schemes(scheme: str, ra: bytes, ra_key: rsa.RSAPrivateKey) -> None:
    """All three ways to name an RSA signature algorithm verify."""
    draft = sceplab.draft_message(ATTRIBUTES, None, signer_certificate=ra, signature_scheme=scheme)
    assert sceplab.decode_message(sceplab.encode_message(draft, ra_key)).verification.intact


@pytest.mark.parametrize("status", PkiStatus)
@pytest.mark.parametrize("empty", [False, True])
def test_every_pki_status(status: PkiStatus, ra: bytes, ra_key: rsa.RSAPrivateKey, *, empty: bool) -> None:
    """CertReps without an envelope: eContent is absent or an empty OCTET STRING."""
    attributes = replace(
        ATTRIBUTES,
        message_type="3",
        pki_status=str(int(status)),
        recipient_nonce=bytes(16),
        fail_info="2" if status is PkiStatus.FAILURE else None,
        fail_info_text="größer" if status is PkiStatus.FAILURE else None,
    )
    draft = sceplab.draft_message(attributes, None, signer_certificate=ra, empty_content=empty)
    decoded = sceplab.decode_message(sceplab.encode_message(draft, ra_key))
    assert attributes == decoded.attributes
    assert decoded.attributes.status is status
    assert decoded.verification.intact
    assert decoded.signed.content == (b"" if empty else None)
    assert draft == sceplab.draft_of(decoded) or draft.signed.digest_algorithms == ()


DATA_OF = {
    MessageType.CertPoll: lambda ca: messagedata.build_issuer_and_subject(
        parse_certificate(ca).subject, parse_certificate(ca).subject
    ),
    MessageType.GetCert: lambda ca: messagedata.build_issuer_and_serial(parse_certificate(ca).issuer, b"\x05"),
    MessageType.GetCRL: lambda ca: messagedata.build_issuer_and_serial(parse_certificate(ca).issuer, b"\x05"),
    MessageType.CertRep: lambda ca: sceplab.build_degenerate([ca]),
}


@pytest.mark.parametrize("kind", DATA_OF, ids=lambda k: k.name)
def test_every_message_data(
    kind: MessageType, ca: bytes, ra: bytes, ca_key: rsa.RSAPrivateKey, ra_key: rsa.RSAPrivateKey
) -> None:
    """The content of each messageType is parsed as its own type."""
    data = DATA_OF[kind](ca)
    attributes = replace(ATTRIBUTES, message_type=str(int(kind)))
    draft = sceplab.draft_message(attributes, data, signer_certificate=ra, recipients=[ca])
    decoded = sceplab.decode_message(sceplab.encode_message(draft, ra_key), keys=[ca_key])
    assert decoded.message_data is not None
    assert not decoded.problems
    assert data == decoded.message_data.raw
    name = type(decoded.message_data).__name__
    expected = {
        MessageType.CertPoll: "IssuerAndSubject",
        MessageType.GetCert: "IssuerAndSerialNumber",
        MessageType.GetCRL: "IssuerAndSerialNumber",
        MessageType.CertRep: "CertsOnly",
    }
    assert expected[kind] == name


# --------------------------------------------------------------- what must fail, and which check fails


@pytest.fixture(scope="module")
def message(ca: bytes, ra: bytes, ra_key: rsa.RSAPrivateKey, csr: bytes) -> bytes:
    """Return a valid message."""
    draft = sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=ra, recipients=[ca], signing_time=NOW)
    return sceplab.encode_message(draft, ra_key)


def failed(message: bytes, trust: Trust, at: datetime | None = None) -> list[str]:
    """Return the names of the checks that failed."""
    verification = sceplab.verify_signed(parse_signed(message), trust=trust, at=at)
    return [c.name for c in verification.checks if c.outcome is Outcome.FAILED]


def test_a_good_message_fails_nothing(message: bytes, ca: bytes) -> None:
    """The valid message that the cases below change."""
    assert failed(message, Trust((ca,))) == []


def test_a_changed_content_fails_the_digest(message: bytes, ca: bytes) -> None:
    """One bit of the envelope changes: messageDigest no longer matches, but the signature still verifies."""
    content = parse_signed(message).content or b""
    at = message.index(content) + len(content) - 1
    assert failed(message[:at] + bytes((message[at] ^ 1,)) + message[at + 1 :], Trust((ca,))) == ["digest"]


def test_a_changed_attribute_fails_the_signature(message: bytes, ca: bytes) -> None:
    """One bit of the senderNonce changes: the signature no longer verifies."""
    at = message.index(bytes(range(16)))
    assert failed(message[:at] + b"\x01" + message[at + 1 :], Trust((ca,))) == ["signature"]


def test_another_ca_fails_the_chain(message: bytes) -> None:
    """A CA of another name, and one that has the same name but another key."""
    key = rsa.generate_private_key(65537, 2048)
    for name in ("Other CA", "CA"):
        assert failed(message, Trust((_certificate(name, key, ca=True),))) == ["chain"]


def test_an_expired_signer_fails_the_validity(message: bytes, ca: bytes) -> None:
    """Signed after the end, or before the start, of the RA certificate's validity."""
    for at in (NOW + timedelta(days=366), NOW - timedelta(days=9)):
        assert failed(message, Trust((ca,)), at=at) == ["validity"]


def test_a_self_signed_signer_fails_the_chain(ra_key: rsa.RSAPrivateKey, ca: bytes) -> None:
    """A first PKCSReq is self-signed; the check reports this differently from a wrong CA."""
    own = _certificate("device", ra_key)
    message = sceplab.encode_message(sceplab.draft_message(ATTRIBUTES, None, signer_certificate=own), ra_key)
    chain = sceplab.verify_signed(parse_signed(message), trust=Trust((ca,)))["chain"]
    assert chain.outcome is Outcome.FAILED
    assert "self-signed" in chain.detail


def test_sha1_in_the_path_needs_the_legacy_option(
    ca_key: rsa.RSAPrivateKey, ra_key: rsa.RSAPrivateKey, ca: bytes
) -> None:
    """SHA-1 in the chain is refused by default and accepted with `legacy=True`."""
    old = _sha1_certificate(ca_key, ra_key)
    draft = sceplab.draft_message(ATTRIBUTES, None, signer_certificate=old, signing_time=NOW)
    message = sceplab.encode_message(draft, ra_key)
    assert failed(message, Trust((ca,))) == ["chain"]
    assert failed(message, Trust((ca,), legacy=True)) == []


def _sha1_certificate(ca_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey) -> bytes:
    """Return a SHA-256 certificate signed again with SHA-1, which `cryptography` does not do."""
    from sceplab.cms.algorithms import AlgorithmIdentifier, build_algorithm
    from sceplab.cms.signature import sign

    sha1 = AlgorithmIdentifier("1.2.840.113549.1.1.5", der.NULL_ELEMENT)
    fields = der.read(_certificate("RA", key, ("CA", ca_key))).children()[0].children()
    parts = [f.raw for f in fields]
    parts[2] = build_algorithm(sha1)
    tbs = der.sequence(*parts)
    return der.sequence(tbs, parts[2], der.encode(der.BIT_STRING, b"\0", sign(ca_key, sha1, "sha1", tbs)))


def test_a_reply_without_certificates_is_verified_with_a_given_one(ra: bytes, ra_key: rsa.RSAPrivateKey) -> None:
    """NDES sends CertReps without certificates, so the caller supplies the signer's certificate."""
    draft = sceplab.draft_message(ATTRIBUTES, None, signer_certificate=ra, certificates=())
    message = sceplab.encode_message(draft, ra_key)
    alone = sceplab.decode_message(message)
    assert alone.verification["signer certificate"].outcome is Outcome.NOT_POSSIBLE
    assert not alone.verification.intact
    given = sceplab.decode_message(message, certificates=[ra])
    assert given.verification.intact
    assert not given.verification.signer_in_message


def test_attributes_signed_in_der_order_but_sent_unsorted_verify(ra: bytes, ra_key: rsa.RSAPrivateKey) -> None:
    """Some stacks sort the attributes for the digest and send them unsorted; the report says which form verified."""
    draft = sceplab.draft_message(ATTRIBUTES, None, signer_certificate=ra)
    unsorted = replace(draft.signed, attributes=draft.signed.attributes[::-1])
    for in_order, words in ((False, "as sent"), (True, "DER order")):
        message = sceplab.encode_message(replace(draft, signed=replace(unsorted, signed_in_order=in_order)), ra_key)
        decoded = sceplab.decode_message(message)
        assert decoded.verification.intact
        assert words in decoded.verification["signature"].detail
        assert message == sceplab.encode_message(sceplab.draft_of(decoded), ra_key)


def test_a_digest_info_without_null_is_accepted(ra: bytes, ra_key: rsa.RSAPrivateKey) -> None:
    """RFC 8017 allows a DigestInfo without NULL: a handmade one is accepted, and the report mentions it."""
    draft = sceplab.draft_message(ATTRIBUTES, None, signer_certificate=ra)
    message = sceplab.encode_message(draft, ra_key)
    info = parse_signed(message).signer_info
    assert info is not None
    covered = b"\x31" + info.signed_attributes_raw[1:]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(covered)
    bare = der.sequence(
        der.sequence(der.oid("2.16.840.1.101.3.4.2.1")), der.encode(der.OCTET_STRING, digest.finalize())
    )
    numbers = ra_key.private_numbers()
    block = b"\0\1" + b"\xff" * (256 - 3 - len(bare)) + b"\0" + bare
    signature = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    decoded = sceplab.decode_message(message.replace(info.signature, signature))
    assert decoded.verification.intact
    assert "without NULL" in decoded.verification["signature"].detail


def test_the_error_for_a_wrong_key_names_the_recipient(message: bytes, ra: bytes, ra_key: rsa.RSAPrivateKey) -> None:
    """The error names the recipient, the key that was tried, and the owner of that key."""
    decoded = sceplab.decode_message(message, keys=[ra_key], certificates=[ra])
    assert decoded.opened is None
    assert "issuer CN=CA" in decoded.decrypt_error
    assert "the key of CN=RA" in decoded.decrypt_error
    assert "No private key was given" in sceplab.decode_message(message).decrypt_error


def test_a_wrong_key_never_decrypts_a_message(message: bytes) -> None:
    """RSA decryption with a wrong key returns random bytes instead of an error; none may pass as plaintext."""
    for _ in range(20):
        assert sceplab.decode_message(message, keys=[rsa.generate_private_key(65537, 2048)]).opened is None


def test_each_of_several_recipients_opens_the_message(
    ca: bytes, ra: bytes, ca_key: rsa.RSAPrivateKey, ra_key: rsa.RSAPrivateKey, csr: bytes
) -> None:
    """As micromdm does, for every certificate it was given: each key opens the message, and each can rebuild it."""
    draft = sceplab.draft_message(ATTRIBUTES, csr, signer_certificate=ra, recipients=[ra, ca])
    message = sceplab.encode_message(draft, ra_key)
    for key in (ca_key, ra_key):
        decoded = sceplab.decode_message(message, keys=[key])
        assert decoded.opened is not None
        assert csr == decoded.opened.plaintext
    with pytest.raises(BuildError, match="private key"):
        sceplab.draft_of(decoded, keys=[ca_key])
    assert message == sceplab.encode_message(sceplab.draft_of(decoded, keys=[ca_key, ra_key]), ra_key)


# --------------------------------------------------------------- attributes, requests and certificates


def test_attributes_round_trip() -> None:
    """All SCEP attributes to CMS attributes and back."""
    full = ScepAttributes("3", "id", b"s" * 16, b"r" * 16, "2", "4", "why: größer")
    assert full == parse_attributes(build_attributes(full))


def test_malformed_attributes_are_reported_as_problems() -> None:
    """Wrong string types, unknown values, duplicates and missing attributes are reported; the rest is used."""
    utf8 = Attribute("2.16.840.1.113733.1.9.2", (der.encode(der.UTF8_STRING, b"77"),))
    parsed = parse_attributes([utf8, utf8])
    assert parsed.message_type == "77"
    assert parsed.type is None
    assert {p.code for p in parsed.problems} == {"string-type", "duplicate", "unknown-value", "missing"}


def test_a_csr_round_trips(csr: bytes) -> None:
    """A PKCS#10 request parsed by sceplab and by `cryptography`, and encoded again."""
    ours, theirs = parse_csr(csr), x509.load_der_x509_csr(csr)
    assert csr == serialize_csr(ours)
    assert theirs.is_signature_valid
    assert theirs.subject.rfc4514_string() == ours.subject.rfc4514()
    assert ours.challenge_password == "s3cret"
    assert sceplab.verify_csr(ours).outcome is Outcome.PASSED
    at = csr.index(b"device")
    broken = parse_csr(csr[:at] + b"D" + csr[at + 1 :])
    assert sceplab.verify_csr(broken).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("tag", "text"),
    [(t, "pass") for t in der._TEXT_CODECS if t not in {der.NUMERIC_STRING}] + [(der.UTF8_STRING, "päss-東京")],
)
def test_challenge_passwords_of_every_string_type_are_read(tag: int, text: str, ra_key: rsa.RSAPrivateKey) -> None:
    """T61String, IA5String, BMPString and others: all occur in real traffic."""
    subject = build_name([[NameAttribute("2.5.4.3", "x", "UTF8String")]])
    request = parse_csr(sceplab.build_csr(subject, ra_key, challenge_password=text, challenge_type=tag))
    assert text == request.challenge_password
    assert der.STRING_TYPE_NAMES[tag] == request.challenge_password_type


def test_names_round_trip() -> None:
    """Multi-valued RDNs and Cisco's attributes by name, compared with `cryptography` and with openssl's order."""
    rdns = [
        [NameAttribute("2.5.4.11", "ioscs RA", "PrintableString")],
        [
            NameAttribute("1.2.840.113549.1.9.2", "R2", "IA5String"),
            NameAttribute("2.5.4.5", "4279256517", "PrintableString"),
            NameAttribute("1.2.840.113549.1.9.8", "192.0.2.1", "PrintableString"),
        ],
    ]
    name = build_name(rdns)
    assert {a for rdn in rdns for a in rdn} == {a for rdn in name.rdns for a in rdn}
    text = name.rfc4514()
    assert "unstructuredName=R2" in text
    assert "serialNumber=4279256517" in text
    assert text.endswith(",OU=ioscs RA")


def test_degenerate_messages_round_trip(ca: bytes, ra: bytes) -> None:
    """Certs-only messages, parsed by sceplab and by asn1crypto."""
    data = sceplab.build_degenerate([ca, ra])
    theirs = cms.ContentInfo.load(data, strict=True)["content"]
    assert [ca, ra] == [c.chosen.dump() for c in theirs["certificates"]]
    assert len(theirs["signer_infos"]) == 0
    parsed = parse_signed(data)
    assert (ca, ra) == parsed.certificates
    assert data == serialize_signed(parsed)


def test_the_error_of_openssl_run_has_the_message_of_openssl(tmp_path: Path) -> None:
    """The error of a failed command contains openssl's own message."""
    if not openssl.available():
        pytest.skip("openssl is not installed")
    (tmp_path / "x").write_bytes(b"junk")
    with pytest.raises(sceplab.InputError, match="exit code"):
        openssl.run(openssl.print_cms(tmp_path / "x"))
    assert subprocess.run(openssl.print_cms(tmp_path / "x"), capture_output=True, check=False).returncode
