"""The Debian source packages whose tests contain certificates, messages, captures and vectors.

Rule: apt-get downloads them from its usual sources, with package lists in a separate
folder, so nothing on the machine changes. Each file is pinned by hash; a file that this
release of Debian does not have, or that cannot be downloaded, is named and left out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_APT = Path("/etc/apt")
_TESTS = re.compile(r"test|fuzz|cert|capture|vector|sample|pki|corpor", re.IGNORECASE)
"""Path components of test data."""
ARCHIVES = {
    "android-platform-external-boringssl_13.0.0+r24.orig.tar.xz": (
        "583b7aeee1fca68b8244d086cea6fca23bd19d517bd63f0b9de714e048f92a7d"
    ),
    "botan_2.19.3+dfsg.orig.tar.xz": "a9005fe9965123f9613f5bc87d2a38b8cc33e8789cf8e82696dae8f07d1cb959",
    "bouncycastle_1.72.orig.tar.xz": "6ec647040b243a8ba29d2da35abf9fab3710d2c7692397d6bcd0a4a2efe6ac62",
    "gnutls28_3.7.9.orig.tar.xz": "aaa03416cdbd54eb155187b359e3ec3ed52ec73df4df35a0edd49429ff64d844",
    "libtasn1-6_4.19.0.orig.tar.gz": "1613f0ac1cf484d6ec0ce3b8c06d56263cc7242f1c23b30d82d23de345a63f7a",
    "mbedtls_2.28.3.orig.tar.gz": "3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d",
    "nss_3.87.1.orig.tar.gz": "f30fb0de6986e59420ce3bfea340e801222be1da144b420bcbfec1d977dab4d5",
    "openssl_3.0.20.orig.tar.gz": "c80a01dfc70ece4dc21168932c37739042d404d46ccc81a5986dd75314ecda6f",
    "tcpdump_4.99.3.orig.tar.gz": "ad75a6ed3dc0d9732945b2e5483cb41dc8b4b528a169315e499c6861952e73b3",
    "wireshark_4.0.17.orig.tar.bz2": "62fd1491b6211d1651a16a45ead15808970b3a6a9ebde2537f96722af47aaaa5",
}


def fetch(folder: Path) -> Iterator[Path]:
    """Yield the archives in `folder`, after downloading missing ones; print those that are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in ARCHIVES if not (folder / name).exists()]
    if missing:
        if shutil.which("apt-get") is None:
            print("the sources of Debian are left out: there is no apt-get")
        else:
            _download(folder, [name.partition("_")[0] for name in missing])
    for name, digest in ARCHIVES.items():
        path = folder / name
        if not path.exists():
            print(f"{name} is left out: it could not be fetched")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            print(f"{name} is left out: its SHA-256 is another")
        else:
            yield path


def _download(folder: Path, packages: list[str]) -> None:
    lists, parts, options = folder / "lists", folder / "parts", folder / "apt.conf"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    parts.mkdir(exist_ok=True)
    for given in (_APT / "sources.list", *_APT.glob("sources.list.d/*.list"), *_APT.glob("sources.list.d/*.sources")):
        if given.exists():
            text = given.read_text("utf-8")
            text = re.sub(r"^(deb|Types: *deb)\b(?!-)", r"\1-src", text, flags=re.MULTILINE)
            (parts / given.name).write_text(text, encoding="utf-8")
    own = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts, "Dir::State::lists": lists}
    own |= {"Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": ""}
    options.write_text("".join(f'{name} "{value}";\n' for name, value in own.items()), encoding="utf-8")
    environment = os.environ | {"APT_CONFIG": str(options)}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
    for package in packages:
        command = ["apt-get", "source", "-qq", "--download-only", "--tar-only", package]
        subprocess.run(command, check=False, cwd=folder, env=environment)


def is_data(path: Path) -> bool:
    """Return whether a file belongs to the tests of a source package; the path starts at the package's root."""
    return _TESTS.search("/".join(path.parts[1:])) is not None
