"""Content encryption: padding, modes, and where the IV is (RFC 5652, 6.3; RFC 3370, 5; RFC 3565; RFC 5084).

Rule: input is a key, an IV and bytes; finding the key is done in `enveloped`.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sceplab.asn1 import der, oids
from sceplab.cms.algorithms import AlgorithmIdentifier, ContentCipher

RandomBytes = Callable[[int], bytes]


def iv_of(algorithm: AlgorithmIdentifier, cipher: ContentCipher) -> bytes:
    """Return the IV (nonce for GCM) from the parameters of a content cipher; DerError where there is none.

    DES-CBC without parameters (an old EJBCA client) has an IV of zeros, as openssl reads it.
    GCMParameters that `gcm_fault` names are read all the same.
    """
    if cipher.oid == oids.DES_CBC and algorithm.parameters in {None, b"\x05\x00"}:
        return bytes(cipher.block_length)
    element = der.read(algorithm.parameters or b"")
    if cipher.mode == "gcm" and element.tag == _SEQUENCE_NOT_CONSTRUCTED:
        element = der.read(element.value)
    if element.tag == der.SEQUENCE:  # GCMParameters: nonce first; RC2-CBC-Parameter: IV last
        fields = element.children()
        if not fields:
            raise der.DerError(element.start, "an initialization vector", "an empty SEQUENCE")
        element = fields[0] if cipher.mode == "gcm" else fields[-1]
    iv = element.octets()
    wanted = cipher.block_length if cipher.mode == "cbc" else 12
    if len(iv) != wanted:
        raise der.DerError(element.start, f"an initialization vector of {wanted} bytes", f"{len(iv)}")
    return iv


_SEQUENCE_NOT_CONSTRUCTED = der.SEQUENCE & ~der.CONSTRUCTED


def gcm_fault(algorithm: AlgorithmIdentifier) -> str:
    """Return what is wrong with the GCMParameters of a cipher (RFC 5084, 3.2), "" where nothing is.

    The library in micromdm's and step-ca's servers (Go, pkcs7) writes them in a SEQUENCE that is not marked as
    constructed, around another, with the nonce as [4].
    """
    wrong = []
    try:
        element = der.read(algorithm.parameters or b"")
        if element.tag == _SEQUENCE_NOT_CONSTRUCTED:
            wrong.append("their SEQUENCE is not constructed, and holds another")
            element = der.read(element.value)
        nonce = element.children()[0]
    except (der.DerError, IndexError):
        return "; ".join(wrong)  # not readable: nothing opens the envelope, and that is said there
    if nonce.tag != der.OCTET_STRING:
        wrong.append(f"the nonce has tag {nonce.tag:02x}, not 04 (OCTET STRING)")
    return "; ".join(wrong)


def cipher_identifier(cipher: ContentCipher, iv: bytes) -> AlgorithmIdentifier:
    """Return the contentEncryptionAlgorithm with this IV (RFC 3370, 5; RFC 3565; RFC 5084)."""
    parameters = der.encode(der.OCTET_STRING, iv)
    if cipher.mode == "gcm":
        parameters = der.sequence(parameters, der.integer(16))
    elif cipher.oid == oids.RC2_CBC:
        parameters = der.sequence(der.integer(58), parameters)  # 58 means 128 bits
    return AlgorithmIdentifier(cipher.oid, parameters)


def decrypt_content(cipher: ContentCipher, key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Decrypt content and strip the padding; raises ValueError or InvalidTag if that fails."""
    if cipher.mode == "gcm":
        return AESGCM(key).decrypt(iv, ciphertext, None)
    worker = Cipher(cipher.make(key), modes.CBC(iv)).decryptor()
    padded = worker.update(ciphertext) + worker.finalize()
    count = padded[-1] if padded else 0
    if not 1 <= count <= cipher.block_length or padded[-count:] != bytes((count,)) * count:
        raise ValueError("the padding is wrong")
    return padded[:-count]


def encrypt_content(cipher: ContentCipher, key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Pad and encrypt content (RFC 5652, 6.3): the inverse of `decrypt_content`."""
    if cipher.mode == "gcm":
        return AESGCM(key).encrypt(iv, plaintext, None)
    count = cipher.block_length - len(plaintext) % cipher.block_length
    worker = Cipher(cipher.make(key), modes.CBC(iv)).encryptor()
    return worker.update(plaintext + bytes((count,)) * count) + worker.finalize()
