"""What covers what: the octets of each region are those that the cryptography is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sceplab.asn1 import der, oids
from sceplab.cms.verify import SignedForm
from sceplab.schema.coverage import Region, Span, regions_of
from sceplab.schema.layers import Buffer, buffers_of
from tests.support import DATA, capture_folders, messages


def _octets(buffers: tuple[Buffer, ...], spans: tuple[Span, ...]) -> bytes:
    return b"".join(buffers[s.buffer].data[s.start : s.end] for s in spans)


def _named(regions: tuple[Region, ...], words: str) -> Region:
    return next(r for r in regions if words in r.label)


def test_a_message_of_many_signers_has_few_regions() -> None:
    """Fifty thousand signers, as nobody but an attacker writes them: the first ones, and soon."""
    signer = der.sequence(der.integer(1), der.sequence(), der.sequence(), der.sequence(), der.encode(4, b"x"))
    content = der.sequence(der.oid(oids.DATA), der.context(0, der.encode(4, b"hello")))
    body = der.sequence(der.integer(1), der.encode(0x31), content, der.encode(0x31, signer * 50_000))
    data = der.sequence(der.oid(oids.SIGNED_DATA), der.context(0, body))
    assert len(regions_of((Buffer("many", data, "ContentInfo"),))) == 1000


def test_signatures_and_digests_fit_their_regions() -> None:
    """For every real message: the digest over its region is the one at its proof, and the signature verifies."""
    digests = signatures = 0
    for folder in (DATA / "specimen", *capture_folders()):
        for message in messages(folder):
            buffers = buffers_of(message)
            regions = regions_of(buffers)
            info, signer = message.signed.signer_info, message.verification.signer
            assert info is not None
            assert info.signed_attributes
            signed = _named(regions, "covers signedAttrs")
            assert signed.proof is not None
            assert _octets(buffers, (signed.proof,)).endswith(info.signature)
            if signer is not None and isinstance(signer.public_key(), rsa.RSAPublicKey):
                covered = b"\x31" + _octets(buffers, signed.spans)[1:]
                if message.verification.covers is SignedForm.AS_SENT:
                    digest: dict[str, Callable[[], hashes.HashAlgorithm]]
                    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512, "md5": hashes.MD5}
                    key = signer.public_key()
                    assert isinstance(key, rsa.RSAPublicKey)
                    make = digest[info.digest_algorithm.name]
                    key.verify(info.signature, covered, padding.PKCS1v15(), make())
                    signatures += 1
            if message.signed.content:
                digested = _named(regions, "messageDigest covers")
                assert digested.proof is not None
                value = hashlib.new(info.digest_algorithm.name, _octets(buffers, digested.spans)).digest()
                assert _octets(buffers, (digested.proof,)).endswith(value)
                digests += 1
    assert digests >= 12
    assert signatures >= 12


def test_the_other_regions_of_the_specimen() -> None:
    """The wrapped key, the ciphertext, the plaintext, certificate and request: as cryptography cuts them."""
    (message, *_) = messages(DATA / "specimen")
    buffers = buffers_of(message)
    regions = regions_of(buffers)
    assert message.enveloped is not None
    assert message.opened is not None
    assert message.csr is not None
    recipient = message.enveloped.recipients[0]
    assert _octets(buffers, _named(regions, "content key").spans) == recipient.encrypted_key  # type: ignore[union-attr]
    assert "CN=CA" in _named(regions, "content key").label
    assert _octets(buffers, _named(regions, "the encrypted content").spans) == message.enveloped.encrypted_content
    plain = _named(regions, "what was encrypted")
    assert _octets(buffers, plain.spans) == message.opened.plaintext
    assert plain.proof is not None
    assert _octets(buffers, (plain.proof,)).endswith(message.enveloped.encrypted_content)
    certificate = x509.load_der_x509_certificate(message.signed.certificates[0])
    issued = _named(regions, "covers tbsCertificate")
    assert _octets(buffers, issued.spans) == certificate.tbs_certificate_bytes
    assert issued.proof is not None
    assert _octets(buffers, (issued.proof,)).endswith(certificate.signature)
    request = x509.load_der_x509_csr(message.csr.raw)
    assert _octets(buffers, _named(regions, "certificationRequestInfo").spans) == request.tbs_certrequest_bytes


def test_nothing_to_cover() -> None:
    """Octets that are no message have no regions, and nothing raises."""
    for data in (b"", b"\x30\x80", bytes(50), b"\x30\x03\x06\x01\x2a"):
        assert regions_of((Buffer("x", data, "ContentInfo"),)) == ()
