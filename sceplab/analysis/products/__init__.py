"""What products say when an enrollment fails, and which fault is behind it.

Rule: data only. Each row was read in a public guide, issue or source file, which
it names; the words here are our own. A row says what is likely at that product;
whether a message or status beside it says more is decided in `diagnose`.
"""

from sceplab.analysis.products.code import Code
from sceplab.analysis.products.hresults import code_of
from sceplab.analysis.products.iis import substatus_of, win32_of
from sceplab.analysis.products.recognition import (
    LONGEST,
    code_in,
    recognise,
    sentence_in,
    tells_of_failure,
    tells_of_grant,
)
from sceplab.analysis.products.saying import Saying

__all__ = [
    "LONGEST",
    "Code",
    "Saying",
    "code_in",
    "code_of",
    "recognise",
    "sentence_in",
    "substatus_of",
    "tells_of_failure",
    "tells_of_grant",
    "win32_of",
]
