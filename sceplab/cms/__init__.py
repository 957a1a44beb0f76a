"""RFC 5652 (CMS), RFC 5280 (X.509) and RFC 2986 (PKCS#10): structures, signatures, envelopes.

Rule: nothing here knows SCEP. Captured bytes are kept, so that what a signature
covers is cut from the capture and never encoded anew.
"""
