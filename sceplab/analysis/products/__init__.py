"""Messages of products when an enrollment fails, and the fault that each means.

Rule: data only. Each row names its public source: a guide, issue or source file; the
explanations are our own. A row says what is likely for that product; `diagnose`
compares it with the messages and statuses.
"""

from sceplab.analysis.products.code import Code
from sceplab.analysis.products.hresults import code_of
from sceplab.analysis.products.iis import substatus_of, win32_of
from sceplab.analysis.products.recognition import (
    LONGEST,
    code_in,
    guess_in,
    parties_in,
    recognise,
    sentence_in,
    tells_of_failure,
    tells_of_grant,
    tells_of_issue,
    tells_of_start,
)
from sceplab.analysis.products.saying import Saying
from sceplab.analysis.products.speaker import is_client, is_server, of_reply

__all__ = [
    "LONGEST",
    "Code",
    "Saying",
    "code_in",
    "code_of",
    "guess_in",
    "is_client",
    "is_server",
    "of_reply",
    "parties_in",
    "recognise",
    "sentence_in",
    "substatus_of",
    "tells_of_failure",
    "tells_of_grant",
    "tells_of_issue",
    "tells_of_start",
    "win32_of",
]
