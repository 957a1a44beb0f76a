"""sceplab: take SCEP messages apart, put them together, and show how (RFC 8894).

Rule: the public names, nothing else. The core does no I/O; readers of files are
in `sceplab.capture`, widgets in `sceplab.widgets`.
"""

from sceplab.cms.attribute import Attribute
from sceplab.cms.csr import CertificationRequest, build_csr, parse_csr, verify_csr
from sceplab.cms.enveloped import EnvelopedData, Opened, build_enveloped, decrypt, parse_enveloped
from sceplab.cms.name import Name, NameAttribute, build_name
from sceplab.cms.sign import build_signed
from sceplab.cms.signed import SignedData, build_degenerate, parse_signed
from sceplab.cms.trust import Trust
from sceplab.cms.verify import Check, Outcome, Verification, verify_signed
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.errors import BuildError, DecryptError, InputError, Layer, Problem, ScepError
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes, transaction_id_of
from sceplab.scep.draft import draft_message, draft_of
from sceplab.scep.message import MessageDraft, PkiMessage, decode_message, encode_message
from sceplab.scep.messagedata import (
    CertsOnly,
    IssuerAndSerialNumber,
    IssuerAndSubject,
    parse_ca_certificates,
    parse_message_data,
)

__version__ = "0.1.0"

__all__ = [
    "Attribute",
    "BuildError",
    "Certificate",
    "CertificationRequest",
    "CertsOnly",
    "Check",
    "DecryptError",
    "EnvelopedData",
    "FailInfo",
    "InputError",
    "IssuerAndSerialNumber",
    "IssuerAndSubject",
    "Layer",
    "MessageDraft",
    "MessageType",
    "Name",
    "NameAttribute",
    "Opened",
    "Outcome",
    "PkiMessage",
    "PkiStatus",
    "Problem",
    "ScepAttributes",
    "ScepError",
    "SignedData",
    "Trust",
    "Verification",
    "build_csr",
    "build_degenerate",
    "build_enveloped",
    "build_name",
    "build_signed",
    "decode_message",
    "decrypt",
    "draft_message",
    "draft_of",
    "encode_message",
    "parse_ca_certificates",
    "parse_certificate",
    "parse_csr",
    "parse_enveloped",
    "parse_message_data",
    "parse_signed",
    "transaction_id_of",
    "verify_csr",
    "verify_signed",
]
