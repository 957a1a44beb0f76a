"""Coverage: the bytes of each region are the input of the signature, digest or encryption that it names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sceplab.asn1 import der, oids
from sceplab.cms.verify import SignedForm
from sceplab.schema.coverage import Coverage, Covered, Span, coverage_of
from sceplab.schema.layers import LayerBytes, layers_of
from tests.helpers.captures import DATA, capture_folders, messages


def _octets(layers: tuple[LayerBytes, ...], spans: tuple[Span, ...]) -> bytes:
    return b"".join(layers[s.layer].data[s.start : s.end] for s in spans)


def _named(coverage: tuple[Coverage, ...], words: str) -> Coverage:
    return next(r for r in coverage if words in r.label)


def test_a_message_with_many_signers_has_limited_regions() -> None:
    """A hostile message has 50,000 signers. Only the first 1000 get a region."""
    signer = der.sequence(der.integer(1), der.sequence(), der.sequence(), der.sequence(), der.encode(4, b"x"))
    content = der.sequence(der.oid(oids.DATA), der.context(0, der.encode(4, b"hello")))
    body = der.sequence(der.integer(1), der.encode(0x31), content, der.encode(0x31, signer * 50_000))
    data = der.sequence(der.oid(oids.SIGNED_DATA), der.context(0, body))
    assert len(coverage_of((LayerBytes("many", data, "ContentInfo"),))) == 1000


def test_signatures_and_digests_fit_their_regions() -> None:
    """In each real message the digest of a region equals the stored one, and the signature verifies."""
    digests = signatures = 0
    for folder in (DATA / "specimen", *capture_folders()):
        for message in messages(folder):
            layers = layers_of(message)
            coverage = coverage_of(layers)
            info, signer = message.signed.signer_info, message.verification.signer
            assert info is not None
            assert info.signed_attributes
            signed = _named(coverage, "covers signedAttrs")
            assert signed.proof is not None
            assert _octets(layers, (signed.proof,)).endswith(info.signature)
            if signer is not None and isinstance(signer.public_key(), rsa.RSAPublicKey):
                covered = b"\x31" + _octets(layers, signed.spans)[1:]
                if message.verification.covers is SignedForm.AS_SENT:
                    digest: dict[str, Callable[[], hashes.HashAlgorithm]]
                    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512, "md5": hashes.MD5}
                    key = signer.public_key()
                    assert isinstance(key, rsa.RSAPublicKey)
                    make = digest[info.digest_algorithm.name]
                    key.verify(info.signature, covered, padding.PKCS1v15(), make())
                    signatures += 1
            if message.signed.content:
                digested = _named(coverage, "messageDigest covers")
                assert digested.proof is not None
                value = hashlib.new(info.digest_algorithm.name, _octets(layers, digested.spans)).digest()
                assert _octets(layers, (digested.proof,)).endswith(value)
                digests += 1
    assert digests >= 12
    assert signatures >= 12


def test_other_regions_of_the_specimen_match_cryptography() -> None:
    """The wrapped key, the ciphertext, the plaintext, the certificate and the request."""
    (message, *_) = messages(DATA / "specimen")
    layers = layers_of(message)
    coverage = coverage_of(layers)
    assert message.enveloped is not None
    assert message.opened is not None
    assert message.csr is not None
    recipient = message.enveloped.recipients[0]
    assert _octets(layers, _named(coverage, "content key").spans) == recipient.encrypted_key  # type: ignore[union-attr]
    assert "CN=CA" in _named(coverage, "content key").label
    assert _octets(layers, _named(coverage, "the encrypted content").spans) == message.enveloped.encrypted_content
    plain = _named(coverage, "what was encrypted")
    assert _octets(layers, plain.spans) == message.opened.plaintext
    assert plain.proof is not None
    assert _octets(layers, (plain.proof,)).endswith(message.enveloped.encrypted_content)
    certificate = x509.load_der_x509_certificate(message.signed.certificates[0])
    issued = _named(coverage, "covers tbsCertificate")
    assert _octets(layers, issued.spans) == certificate.tbs_certificate_bytes
    assert issued.proof is not None
    assert _octets(layers, (issued.proof,)).endswith(certificate.signature)
    request = x509.load_der_x509_csr(message.csr.raw)
    assert _octets(layers, _named(coverage, "certificationRequestInfo").spans) == request.tbs_certrequest_bytes


def test_kind_and_field_identify_a_region() -> None:
    """Code can find a region without reading its label."""
    (message, *_) = messages(DATA / "specimen")
    found = {(c.kind, c.field): c for c in coverage_of(layers_of(message))}
    assert set(found) == {
        (Covered.SIGNATURE, "signedAttrs"),
        (Covered.SIGNATURE, "tbsCertificate"),
        (Covered.SIGNATURE, "certificationRequestInfo"),
        (Covered.DIGEST, "eContent"),
        (Covered.KEY, "encryptedKey"),
        (Covered.CIPHERTEXT, "encryptedContent"),
        (Covered.PLAINTEXT, "messageData"),
    }


def test_bytes_without_a_message_have_no_coverage() -> None:
    """Truncated and arbitrary bytes raise no error."""
    for data in (b"", b"\x30\x80", bytes(50), b"\x30\x03\x06\x01\x2a"):
        assert coverage_of((LayerBytes("x", data, "ContentInfo"),)) == ()
