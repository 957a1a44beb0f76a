"""What products say when an enrollment fails, and which fault is behind it.

Rule: data only. Each row was read in a public guide, issue or source file, which
it names; the words here are our own. A row says what is likely at that product;
whether a message or status beside it says more is decided in `diagnose`.
"""

from sceplab.analysis.products.codes import Code, code_of, codes_in, substatus_of, win32_of
from sceplab.analysis.products.words import Saying, recognise

__all__ = ["Code", "Saying", "code_of", "codes_in", "recognise", "substatus_of", "win32_of"]
