"""sceplab: take SCEP messages apart, put them back together, and show how (RFC 8894).

Rule: only the names that the notebooks and the README use. Each is loaded from its
module on first use, so that `import sceplab` is fast; inside the package, names are
imported from their modules.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as type checkers know it, without the cost of importing typing
if TYPE_CHECKING:  # the same names as in _NAMES, for type checkers and editors
    from sceplab.analysis.analyse import analyse as analyse
    from sceplab.analysis.faults.registry import check_exchanges as check_exchanges
    from sceplab.capture import read_capture as read_capture
    from sceplab.cms.csr import build_csr as build_csr, parse_csr as parse_csr, verify_csr as verify_csr
    from sceplab.cms.enveloped import decrypt as decrypt, parse_enveloped as parse_enveloped
    from sceplab.cms.name import (
        NameAttribute as NameAttribute,
        build_name as build_name,
        parse_subject as parse_subject,
    )
    from sceplab.cms.signed import build_degenerate as build_degenerate, parse_signed as parse_signed
    from sceplab.cms.trust import Trust as Trust
    from sceplab.cms.verify import Outcome as Outcome, verify_signed as verify_signed
    from sceplab.cms.x509 import parse_certificate as parse_certificate
    from sceplab.errors import DecryptError as DecryptError, InputError as InputError
    from sceplab.files import (
        load_certificates as load_certificates,
        load_private_keys as load_private_keys,
        pem_certificate as pem_certificate,
        pem_key as pem_key,
        write_new as write_new,
    )
    from sceplab.paths import DATA as DATA, SPECIMEN as SPECIMEN
    from sceplab.report.html import to_html as to_html
    from sceplab.report.markdown import to_markdown as to_markdown
    from sceplab.report.rows import rows_of as rows_of
    from sceplab.report.names import place as place
    from sceplab.report.plain import to_text as to_text
    from sceplab.scep.attributes import (
        FAIL_INFO_MEANING as FAIL_INFO_MEANING,
        FailInfo as FailInfo,
        MessageType as MessageType,
        PkiStatus as PkiStatus,
        ScepAttributes as ScepAttributes,
        transaction_id_of as transaction_id_of,
    )
    from sceplab.scep.capabilities import parse_caps as parse_caps
    from sceplab.scep.conversation import Materials as Materials, decode_exchanges as decode_exchanges
    from sceplab.scep.draft import draft_message as draft_message, draft_of as draft_of
    from sceplab.scep.message import decode_message as decode_message, encode_message as encode_message
    from sceplab.scep.messagedata import (
        build_issuer_and_subject as build_issuer_and_subject,
        parse_ca_certificates as parse_ca_certificates,
    )
    from sceplab.scep.transport import (
        build_request as build_request,
        decode_message_value as decode_message_value,
        encode_message_value as encode_message_value,
        parse_request as parse_request,
    )

__version__ = "0.1.0"

# Module (under sceplab): the names that it gives.
_NAMES = {
    "analysis.analyse": ("analyse",),
    "analysis.faults.registry": ("check_exchanges",),
    "capture": ("read_capture",),
    "cms.csr": ("build_csr", "parse_csr", "verify_csr"),
    "cms.enveloped": ("decrypt", "parse_enveloped"),
    "cms.name": ("NameAttribute", "build_name", "parse_subject"),
    "cms.signed": ("build_degenerate", "parse_signed"),
    "cms.trust": ("Trust",),
    "cms.verify": ("Outcome", "verify_signed"),
    "cms.x509": ("parse_certificate",),
    "errors": ("DecryptError", "InputError"),
    "files": ("load_certificates", "load_private_keys", "pem_certificate", "pem_key", "write_new"),
    "paths": ("DATA", "SPECIMEN"),
    "report.html": ("to_html",),
    "report.markdown": ("to_markdown",),
    "report.names": ("place",),
    "report.plain": ("to_text",),
    "report.rows": ("rows_of",),
    "scep.attributes": (
        "FAIL_INFO_MEANING",
        "FailInfo",
        "MessageType",
        "PkiStatus",
        "ScepAttributes",
        "transaction_id_of",
    ),
    "scep.capabilities": ("parse_caps",),
    "scep.conversation": ("Materials", "decode_exchanges"),
    "scep.draft": ("draft_message", "draft_of"),
    "scep.message": ("decode_message", "encode_message"),
    "scep.messagedata": ("build_issuer_and_subject", "parse_ca_certificates"),
    "scep.transport": ("build_request", "decode_message_value", "encode_message_value", "parse_request"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = tuple(sorted(_HOMES))

if not TYPE_CHECKING:  # type checkers must still report unknown names

    def __getattr__(name: str) -> object:
        """Load a public name from its module."""
        if name not in _HOMES:
            raise AttributeError(f"module 'sceplab' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"sceplab.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return all public names, loaded or not."""
    return sorted({*globals(), *__all__})
