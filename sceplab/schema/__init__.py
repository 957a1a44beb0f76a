"""Names and meanings for what a scan of bytes finds: CMS, PKCS#10, X.509 and SCEP.

Rule: a structure is data (`tables`), never code; `nodes` walks bytes and tables
together; `values` has the meaning of a leaf. This is for showing, so it never
raises: what no table knows keeps its ASN.1 type as name, and bytes that are no
ASN.1 are a node of their own.
"""

from sceplab.schema.nodes import Node, by_path, describe, fields, find, nodes_of, path_of, paths, step_of, steps_of
from sceplab.schema.tables import TYPES
from sceplab.schema.values import link

__all__ = [
    "TYPES",
    "Node",
    "by_path",
    "describe",
    "fields",
    "find",
    "link",
    "nodes_of",
    "path_of",
    "paths",
    "step_of",
    "steps_of",
]
