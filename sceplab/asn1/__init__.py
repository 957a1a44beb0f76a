"""X.690: bytes, tags and lengths, with no knowledge of any structure.

Rule: nothing here knows CMS, X.509 or SCEP. `der` reads leniently and writes DER,
`scan` finds every element of any input, `oids` gives each object identifier its name.
"""
