"""Patch oscrypto 1.3.0 in the environment that runs this, so that PyScep and scepreq start.

Rule: it patches one known defect of one pinned version, and fails if it does not
find that defect. oscrypto's pattern for OpenSSL's version allows only one digit
after the last point, so it fails on OpenSSL 3.0.22 (`make interop` runs this once).
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

WRONG = r"\\b(\\d\\.\\d\\.\\d[a-z]*)\\b"
RIGHT = r"\\b(\\d+\\.\\d+\\.\\d+[a-z]*)\\b"


def main() -> None:
    """Patch the pattern in both of oscrypto's loaders; exits with a message if it is not found."""
    folder = Path(sysconfig.get_path("purelib")) / "oscrypto" / "_openssl"
    for name in ("_libcrypto_cffi.py", "_libcrypto_ctypes.py"):
        text = (folder / name).read_text()
        if RIGHT in text:
            continue
        if WRONG not in text:
            sys.exit(f"{folder / name} is not the file of oscrypto 1.3.0 that this knows how to mend")
        (folder / name).write_text(text.replace(WRONG, RIGHT))


if __name__ == "__main__":
    main()
