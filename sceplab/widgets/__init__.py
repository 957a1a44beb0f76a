"""What notebooks show: ASN.1 as a tree with its octets, tables, hex.

Rule: presentation only, and all text of other people is escaped here. Each view
is HTML that needs no script, so that it looks the same live, on GitHub, in
nbviewer and in a notebook that nobody trusts.
"""

from sceplab.widgets.checks import show_checks
from sceplab.widgets.hexview import hexdump
from sceplab.widgets.table import table
from sceplab.widgets.tree import Asn1View, show

__all__ = ["Asn1View", "hexdump", "show", "show_checks", "table"]
