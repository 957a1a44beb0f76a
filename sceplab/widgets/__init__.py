"""What notebooks show: ASN.1 as a tree with its octets, differences, changes, tables, hex.

Rule: presentation only, and all text of other people is escaped here. Each view
is also HTML that needs no script, for GitHub, nbviewer and a notebook that
nobody trusts.
"""

from sceplab.extras import NOTEBOOKS, needs

with needs(NOTEBOOKS):
    from sceplab.widgets.change import WhatIf, what_if
    from sceplab.widgets.checks import show_checks
    from sceplab.widgets.difference import Asn1Diff, show_differences
    from sceplab.widgets.enrollment import EnrollmentForm
    from sceplab.widgets.hexview import hexdump
    from sceplab.widgets.inspector import Inspector, inspect_capture
    from sceplab.widgets.lab import LabView
    from sceplab.widgets.ladder import Ladder
    from sceplab.widgets.pending import PendingQueue
    from sceplab.widgets.table import table
    from sceplab.widgets.viewer import Asn1Viewer, show

__all__ = [
    "Asn1Diff",
    "Asn1Viewer",
    "EnrollmentForm",
    "Inspector",
    "LabView",
    "Ladder",
    "PendingQueue",
    "WhatIf",
    "hexdump",
    "inspect_capture",
    "show",
    "show_checks",
    "show_differences",
    "table",
    "what_if",
]
