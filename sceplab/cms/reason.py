"""Why a check did not pass, as a name that code can ask for.

Rule: one list for all checks of a signed structure, so that nobody has to read a
sentence to know what was found.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a check did not pass, or what it noted although it passed."""

    # structure
    UNREADABLE = "not readable to its end"
    TRAILING = "bytes after the message"
    NO_SIGNER = "no signer"
    UNKNOWN_SIGNER = "unknown signer certificate"
    SEVERAL_SIGNERS = "several signers"
    UNREADABLE_SIGNER = "unreadable SignerInfo"
    REPEATED_ATTRIBUTE = "repeated attribute"
    SEVERAL_VALUES = "attribute with several values"
    # content type and digest
    MISSING_ATTRIBUTE = "missing attribute"
    ATTRIBUTES_NEEDED = "content that needs signed attributes"
    MISMATCH = "mismatch"
    # signature
    UNKNOWN_ALGORITHM = "unknown algorithm"
    UNUSABLE_KEY = "unusable key"
    OTHER_DIGEST = "signature with another digest than digestAlgorithm"
    BAD_PARAMETERS = "signature parameters that are not allowed"
    # chain
    SELF_SIGNED = "self-signed"
    NO_PATH = "no path to a trusted CA"
    INVALID_PATH = "invalid path"
    EXPIRED_PATH = "CA certificate outside its validity"
    WEAK_PATH = "weak algorithm in the path"
    TOO_MUCH_WORK = "more work than a path may cost"
    REVOKED = "revoked"
    KEY_USAGE = "keyUsage without digitalSignature"
    SHORT_KEY = "short key"
    ANCHOR_EXPIRED = "trusted CA outside its validity"
    ANCHOR_CONSTRAINTS = "name constraints of the trusted CA"
    ANCHOR_EXTENSION = "unknown critical extension of the trusted CA"
    # validity
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"
