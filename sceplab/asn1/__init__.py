"""X.690: bytes, tags and lengths, independent of any structure.

Rule: no CMS, X.509 or SCEP here. `der` reads leniently and writes DER,
`scan` finds every element of any input, `oids` gives each object identifier its name.
"""
