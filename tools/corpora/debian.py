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
    "curl_7.88.1.orig.tar.gz": "cdb38b72e36bc5d33d5b8810f8018ece1baa29a8f215b4495e495ded82bbf3c7",
    "gnutls28_3.7.9.orig.tar.xz": "aaa03416cdbd54eb155187b359e3ec3ed52ec73df4df35a0edd49429ff64d844",
    "golang-1.19_1.19.8.orig.tar.gz": "1d7a67929dccafeaf8a29e55985bc2b789e0499cb1a17100039f084e3238da2f",
    "heimdal_7.8.git20221117.28daf24+dfsg.orig.tar.xz": (
        "ae703f84856b98609985f8c63ed2d414c69fe8d55147137b3a71136621ffd454"
    ),
    "krb5_1.20.1.orig.tar.gz": "704aed49b19eb5a7178b34b2873620ec299db08752d6a8574f95d41879ab8851",
    "libtasn1-6_4.19.0.orig.tar.gz": "1613f0ac1cf484d6ec0ce3b8c06d56263cc7242f1c23b30d82d23de345a63f7a",
    "mbedtls_2.28.3.orig.tar.gz": "3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d",
    "nss_3.87.1.orig.tar.gz": "f30fb0de6986e59420ce3bfea340e801222be1da144b420bcbfec1d977dab4d5",
    "opensc_0.23.0.orig.tar.gz": "a08b475834e3c3b0efd9bfc46adfcc3440d3975c2fb3ab2ef29342b879d41370",
    "openssl_3.0.22.orig.tar.gz": "67ebca7e50d17383028045486653492195b83db95f8558709701bb47b5c1ef81",
    "strongswan_5.9.8.orig.tar.bz2": "d3303a43c0bd7b75a12b64855e8edcb53696f06190364f26d1533bde1f2e453c",
    "tcpdump_4.99.3.orig.tar.gz": "ad75a6ed3dc0d9732945b2e5483cb41dc8b4b528a169315e499c6861952e73b3",
    "wireshark_4.0.17.orig.tar.bz2": "62fd1491b6211d1651a16a45ead15808970b3a6a9ebde2537f96722af47aaaa5",
    "wolfssl_5.5.4.orig.tar.gz": "b7ee150e49def77c765bc02aac92ddeb0bebefd4cb12aa263d8f95e405221fb8",
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
