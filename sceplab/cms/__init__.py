"""RFC 5652 (CMS), RFC 5280 (X.509) and RFC 2986 (PKCS#10): structures, signatures, envelopes.

Rule: nothing here knows SCEP. Captured bytes are kept, so that a signature is
verified over the captured bytes, never over a new encoding.
"""
