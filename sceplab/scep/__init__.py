"""RFC 8894 (SCEP): attributes, messages, HTTP transport, and whole conversations.

Rule: bytes in, structures out, and back; no files, no sockets.
"""
