"""Live views for notebooks: ASN.1 with its bytes, differences, edits, ladders, captures, the lab.

Rule: `sceplab.views` makes what is shown, these show it. Each view is also HTML
without scripts, for GitHub, nbviewer and an untrusted notebook. The views of the
lab are loaded when they are first used, since the lab needs more libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sceplab.extras import LAB, NOTEBOOKS, needs
from sceplab.views.bars import bars
from sceplab.views.fields import show_fields
from sceplab.views.hexview import hexdump
from sceplab.views.lines import show_text
from sceplab.views.table import show_checks, table

with needs(NOTEBOOKS):
    from sceplab.widgets.change import WhatIf, what_if
    from sceplab.widgets.difference import Asn1Diff, show_differences
    from sceplab.widgets.inspector import Inspector, inspect_capture
    from sceplab.widgets.ladder import Ladder
    from sceplab.widgets.viewer import Asn1Viewer, show

if TYPE_CHECKING:
    from sceplab.widgets.enrollment import EnrollmentForm
    from sceplab.widgets.lab import LabView
    from sceplab.widgets.pending import PendingQueue

__all__ = [
    "Asn1Diff",
    "Asn1Viewer",
    "EnrollmentForm",
    "Inspector",
    "LabView",
    "Ladder",
    "PendingQueue",
    "WhatIf",
    "bars",
    "hexdump",
    "inspect_capture",
    "show",
    "show_checks",
    "show_differences",
    "show_fields",
    "show_text",
    "table",
    "what_if",
]

_OF_THE_LAB = {"EnrollmentForm": "enrollment", "LabView": "lab", "PendingQueue": "pending"}


def __getattr__(name: str) -> object:
    """Import a view of the lab when it is first used; raises MissingLibraryError without its libraries."""
    if name not in _OF_THE_LAB:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs(LAB):
        return getattr(import_module(f"{__name__}.{_OF_THE_LAB[name]}"), name)
