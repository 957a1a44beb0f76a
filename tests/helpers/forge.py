"""Forged messages made from new keys: what an attacker would send, with one forgery each.

Rule: of `sceplab`, only the DER encoder makes them, so that the forgeries do not share
a defect with the verifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sceplab.asn1 import der, oids
from sceplab.cms.reason import Reason
from sceplab.cms.verify import CheckName

AT = datetime(2026, 6, 1, tzinfo=UTC)
CONTENT = b"0\x03\x02\x01\x05"
_SHA256 = der.sequence(der.oid(oids.SHA256), der.NULL_ELEMENT)
_SHA1 = der.sequence(der.oid(oids.SHA1), der.NULL_ELEMENT)
_HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}


@cache
def fresh_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a new key; the same name gives the same key within a test run."""
    assert name
    return rsa.generate_private_key(65537, bits)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(
    subject: str,
    key: rsa.RSAPrivateKey,
    issuer: str = "",
    signer: rsa.RSAPrivateKey | None = None,
    *,
    ca: bool = False,
    days: int = 365,
    usage: str = "digital_signature",
    serial: int = 0,
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.Certificate:
    """Return a certificate valid for 365 days around `AT`; without `issuer` and its key it is self-signed."""
    start = AT - timedelta(days=30)
    names, end = (_name(issuer or subject), _name(subject)), start + timedelta(days=days)
    builder = x509.CertificateBuilder(*names, key.public_key(), serial or x509.random_serial_number(), start, end)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    elif usage:
        flags = dict.fromkeys(_USAGES, False) | {usage: True}
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer or key, hashes.SHA256())


_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def octets(certificate: x509.Certificate) -> bytes:
    """Return a certificate's DER."""
    return certificate.public_bytes(Encoding.DER)


@cache
def ca() -> x509.Certificate:
    """Return the trusted CA; its key is `fresh_key("ca")`."""
    return make("Forge CA", fresh_key("ca"), ca=True)


@cache
def leaf() -> x509.Certificate:
    """Return a valid signer's certificate; its key is `fresh_key("leaf")`."""
    return make("leaf", fresh_key("leaf"), "Forge CA", fresh_key("ca"))


def attribute(oid: str, *values: bytes) -> bytes:
    """Return an Attribute."""
    return der.sequence(der.oid(oid), der.set_of(values))


def _text(value: str) -> bytes:
    return der.encode(der.PRINTABLE_STRING, value.encode())


_DIGEST = der.encode(der.OCTET_STRING, hashlib.sha256(CONTENT).digest())
_OTHER_DIGEST = der.encode(der.OCTET_STRING, bytes(32))
_TIME = der.encode(der.UTC_TIME, b"260601000000Z")
_OTHER_TIME = der.encode(der.UTC_TIME, b"260701000000Z")
ATTRIBUTES = (
    attribute(oids.CONTENT_TYPE, der.oid(oids.DATA)),
    attribute(oids.SIGNING_TIME, _TIME),
    attribute(oids.MESSAGE_DIGEST, _DIGEST),
    attribute(oids.MESSAGE_TYPE, _text("19")),
    attribute(oids.TRANSACTION_ID, _text("forged")),
)


@dataclass(frozen=True)
class Signer:
    """The parts of a SignerInfo to be made: key, certificate, digest, scheme and attributes."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    attributes: tuple[bytes, ...] = ATTRIBUTES
    digest_algorithm: bytes = _SHA256
    algorithm: bytes = der.sequence(der.oid(oids.RSA_ENCRYPTION), der.NULL_ELEMENT)
    hash_name: str = "sha256"
    pss: bool = False
    spoil: bool = False

    def info(self) -> bytes:
        """Return the SignerInfo, correctly signed by `key` except for `spoil`."""
        covered = der.set_of(self.attributes) if self.attributes else CONTENT
        make_hash = _HASHES[self.hash_name]
        scheme = padding.PSS(padding.MGF1(make_hash()), make_hash().digest_size) if self.pss else padding.PKCS1v15()
        signature = self.key.sign(covered, scheme, make_hash())
        if self.spoil:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        serial = der.integer(self.certificate.serial_number)
        return der.sequence(
            der.integer(1),
            der.sequence(self.certificate.issuer.public_bytes(), serial),
            self.digest_algorithm,
            b"\xa0" + covered[1:] if self.attributes else b"",
            self.algorithm,
            der.encode(der.OCTET_STRING, signature),
        )


def message(
    *infos: bytes, certificates: tuple[bytes, ...] = (), crls: tuple[bytes, ...] = (), content_type: str = oids.DATA
) -> bytes:
    """Return a SignedData with these SignerInfos; without `certificates` it contains the valid signer's."""
    body = der.sequence(
        der.integer(1),
        der.encode(der.SET, _SHA256),
        der.sequence(der.oid(content_type), der.context(0, der.encode(der.OCTET_STRING, CONTENT))),
        der.context(0, *(certificates or (octets(leaf()),))),
        der.context(1, *crls) if crls else b"",
        der.encode(der.SET, *infos),
    )
    return der.sequence(der.oid(oids.SIGNED_DATA), der.context(0, body))


def good() -> Signer:
    """Return a signer without any defect."""
    return Signer(fresh_key("leaf"), leaf())


def _with(*more: bytes, without: str = "") -> bytes:
    kept = tuple(a for a in ATTRIBUTES if not without or der.oid(without) not in a)
    return message(replace(good(), attributes=(*kept, *more)).info())


@cache
def _rogue() -> Signer:
    key = fresh_key("rogue")
    return Signer(key, make("rogue", key))


def _pss(hash_name: str, *parameters: bytes) -> bytes:
    algorithm = der.sequence(der.oid(oids.RSASSA_PSS), der.sequence(*parameters))
    return message(replace(good(), algorithm=algorithm, hash_name=hash_name, pss=True).info())


def _pss_sha256(*more: bytes) -> tuple[bytes, ...]:
    mgf = der.sequence(der.oid(oids.MGF1), _SHA256)
    return (der.context(0, _SHA256), der.context(1, mgf), der.context(2, der.integer(32)), *more)


def _other_digest() -> bytes:
    algorithm = der.sequence(der.oid(oids.SHA1_WITH_RSA), der.NULL_ELEMENT)
    return message(replace(good(), algorithm=algorithm, hash_name="sha1").info())


def _signed_by(
    certificate: x509.Certificate, key: rsa.RSAPrivateKey, *more: bytes, crls: tuple[bytes, ...] = ()
) -> bytes:
    return message(Signer(key, certificate).info(), certificates=(octets(certificate), *more), crls=crls)


def crl(*revoked: x509.Certificate, signer: str = "ca") -> bytes:
    """Return a CRL in the name of the trusted CA, signed with `fresh_key(signer)`."""
    builder = x509.CertificateRevocationListBuilder(_name("Forge CA"), AT - timedelta(days=2), AT + timedelta(days=9))
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, AT - timedelta(days=3)).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(fresh_key(signer), hashes.SHA256()).public_bytes(Encoding.DER)


def _crl_revokes() -> bytes:
    return _signed_by(leaf(), fresh_key("leaf"), crls=(crl(leaf()),))


def _short_key() -> bytes:
    key = fresh_key("short", 1024)
    return _signed_by(make("short", key, "Forge CA", fresh_key("ca")), key)


def _key_usage() -> bytes:
    key = fresh_key("encipher")
    return _signed_by(make("encipher", key, "Forge CA", fresh_key("ca"), usage="key_encipherment"), key)


def _false_ca() -> bytes:
    """Return a message with a false CA certificate that has only the name of the trusted CA."""
    key, rogue = fresh_key("leaf of rogue"), fresh_key("rogue")
    certificate = make("leaf", key, "Forge CA", rogue)
    return _signed_by(certificate, key, octets(make("Forge CA", rogue, ca=True)))


def _leaf_as_ca() -> bytes:
    key = fresh_key("below")
    return _signed_by(make("below", key, "leaf", fresh_key("leaf")), key, octets(leaf()))


def _old_ca_between() -> bytes:
    between, key = fresh_key("between"), fresh_key("below")
    old = make("Between", between, "Forge CA", fresh_key("ca"), ca=True, days=5)
    return _signed_by(make("below", key, "Between", between), key, octets(old))


def _expired() -> bytes:
    key = fresh_key("expired")
    return _signed_by(make("expired", key, "Forge CA", fresh_key("ca"), days=5), key)


def web_of_certificates(count: int = 20) -> bytes:
    """Return a message with many CA certificates of one name, each signed by another's key, none by the CA's."""
    keys = [fresh_key(f"web {number}", 1024) for number in range(count)]
    web = [
        octets(make("Web", key, "Web", signer, ca=True))
        for key in keys
        for signer in (keys[(keys.index(key) + 1) % count], keys[(keys.index(key) + 2) % count])
    ]
    key = fresh_key("below")
    return _signed_by(make("below", key, "Web", keys[0]), key, *web)


def tower_of_certificates(count: int = 12) -> bytes:
    """Return a message whose chain is valid but longer than that of any real PKI."""
    keys = [fresh_key("ca"), *(fresh_key(f"web {number}", 1024) for number in range(count))]
    names = ["Forge CA", *(f"Floor {number}" for number in range(count))]
    tower = [octets(make(names[n + 1], keys[n + 1], names[n], keys[n], ca=True)) for n in range(count)]
    key = fresh_key("below")
    return _signed_by(make("below", key, names[-1], keys[-1]), key, *tower)


Forgery = tuple[Callable[[], bytes], CheckName, Reason, bool]
"""The function that makes it, the check that must fail, its reason, and whether openssl refuses it too."""

FORGERIES: dict[str, Forgery] = {
    "two signers, the good one first": (
        lambda: message(good().info(), _rogue().info()),
        *(CheckName.STRUCTURE, Reason.SEVERAL_SIGNERS, True),
    ),
    "two signers, the good one last": (
        lambda: message(_rogue().info(), good().info()),
        *(CheckName.STRUCTURE, Reason.SEVERAL_SIGNERS, True),
    ),
    "the same signer twice": (
        lambda: message(good().info(), replace(good(), spoil=True).info()),
        *(CheckName.STRUCTURE, Reason.SEVERAL_SIGNERS, True),
    ),
    "an unreadable signer first": (
        lambda: message(der.sequence(der.integer(1)), good().info()),
        *(CheckName.STRUCTURE, Reason.UNREADABLE_SIGNER, True),
    ),
    "an unreadable signer last": (
        lambda: message(good().info(), der.sequence(der.integer(1))),
        *(CheckName.STRUCTURE, Reason.UNREADABLE_SIGNER, True),
    ),
    "nobody signs": (message, CheckName.SIGNER, Reason.NO_SIGNER, True),
    "bytes after the message": (
        lambda: message(good().info()) + b"\x04\x02hi",
        *(CheckName.STRUCTURE, Reason.TRAILING, False),
    ),
    "contentType twice": (
        lambda: _with(attribute(oids.CONTENT_TYPE, der.oid(oids.SIGNED_DATA))),
        *(CheckName.STRUCTURE, Reason.REPEATED_ATTRIBUTE, True),
    ),
    "contentType with two values": (
        lambda: _with(
            attribute(oids.CONTENT_TYPE, der.oid(oids.DATA), der.oid(oids.SIGNED_DATA)), without=oids.CONTENT_TYPE
        ),
        *(CheckName.CONTENT_TYPE, Reason.SEVERAL_VALUES, True),
    ),
    "contentType of something else": (
        lambda: _with(attribute(oids.CONTENT_TYPE, der.oid(oids.SIGNED_DATA)), without=oids.CONTENT_TYPE),
        *(CheckName.CONTENT_TYPE, Reason.MISMATCH, False),
    ),
    "messageDigest twice": (
        lambda: _with(attribute(oids.MESSAGE_DIGEST, _OTHER_DIGEST)),
        *(CheckName.STRUCTURE, Reason.REPEATED_ATTRIBUTE, True),
    ),
    "messageDigest with two values": (
        lambda: _with(attribute(oids.MESSAGE_DIGEST, _DIGEST, _OTHER_DIGEST), without=oids.MESSAGE_DIGEST),
        *(CheckName.DIGEST, Reason.SEVERAL_VALUES, True),
    ),
    "messageDigest of something else": (
        lambda: _with(attribute(oids.MESSAGE_DIGEST, _OTHER_DIGEST), without=oids.MESSAGE_DIGEST),
        *(CheckName.DIGEST, Reason.MISMATCH, True),
    ),
    "no messageDigest": (
        lambda: _with(without=oids.MESSAGE_DIGEST),
        *(CheckName.DIGEST, Reason.MISSING_ATTRIBUTE, True),
    ),
    "signingTime twice": (
        lambda: _with(attribute(oids.SIGNING_TIME, _OTHER_TIME)),
        *(CheckName.STRUCTURE, Reason.REPEATED_ATTRIBUTE, True),
    ),
    "signingTime with two values": (
        lambda: _with(attribute(oids.SIGNING_TIME, _TIME, _OTHER_TIME), without=oids.SIGNING_TIME),
        *(CheckName.STRUCTURE, Reason.SEVERAL_VALUES, True),
    ),
    "messageType twice": (
        lambda: _with(attribute(oids.MESSAGE_TYPE, _text("3"))),
        *(CheckName.STRUCTURE, Reason.REPEATED_ATTRIBUTE, False),
    ),
    "messageType with two values": (
        lambda: _with(attribute(oids.MESSAGE_TYPE, _text("19"), _text("3")), without=oids.MESSAGE_TYPE),
        *(CheckName.STRUCTURE, Reason.SEVERAL_VALUES, False),
    ),
    "transactionID with two values": (
        lambda: _with(attribute(oids.TRANSACTION_ID, _text("a"), _text("b")), without=oids.TRANSACTION_ID),
        *(CheckName.STRUCTURE, Reason.SEVERAL_VALUES, False),
    ),
    "not data, and no signed attributes": (
        lambda: message(replace(good(), attributes=()).info(), content_type=oids.SIGNED_DATA),
        *(CheckName.CONTENT_TYPE, Reason.ATTRIBUTES_NEEDED, False),
    ),
    "RSA with another digest": (_other_digest, CheckName.SIGNATURE, Reason.OTHER_DIGEST, True),
    "PSS with another digest": (lambda: _pss("sha1"), CheckName.SIGNATURE, Reason.OTHER_DIGEST, True),
    "PSS with trailerField 2": (
        lambda: _pss("sha256", *_pss_sha256(der.context(3, der.integer(2)))),
        *(CheckName.SIGNATURE, Reason.BAD_PARAMETERS, True),
    ),
    "another's key": (
        lambda: message(replace(good(), key=fresh_key("rogue")).info()),
        *(CheckName.SIGNATURE, Reason.MISMATCH, True),
    ),
    "a changed signature": (
        lambda: message(replace(good(), spoil=True).info()),
        *(CheckName.SIGNATURE, Reason.MISMATCH, True),
    ),
    "a keyUsage that does not sign": (_key_usage, CheckName.CHAIN, Reason.KEY_USAGE, False),
    "a short key": (_short_key, CheckName.CHAIN, Reason.SHORT_KEY, False),
    "a CRL that revokes the signer": (_crl_revokes, CheckName.CHAIN, Reason.REVOKED, False),
    "a self-signed signer": (
        lambda: message(_rogue().info(), certificates=(octets(_rogue().certificate),)),
        *(CheckName.CHAIN, Reason.SELF_SIGNED, True),
    ),
    "a CA of the same name": (_false_ca, CheckName.CHAIN, Reason.NO_PATH, True),
    "a leaf that acts as CA": (_leaf_as_ca, CheckName.CHAIN, Reason.INVALID_PATH, True),
    "an expired CA between": (_old_ca_between, CheckName.CHAIN, Reason.EXPIRED_PATH, True),
    "an expired signer": (_expired, CheckName.VALIDITY, Reason.EXPIRED, True),
    "a web of certificates": (web_of_certificates, CheckName.CHAIN, Reason.TOO_MUCH_WORK, True),
    "a tower of certificates": (tower_of_certificates, CheckName.CHAIN, Reason.TOO_MUCH_WORK, False),
}
