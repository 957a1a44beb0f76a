"""Helpers for optional programs, captures and keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab import paths
from sceplab.asn1 import ber, der
from sceplab.asn1.scan import scan
from sceplab.capture import read_capture
from sceplab.files import load_certificates, load_private_keys
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage

ROOT = Path(__file__).resolve().parents[2]
DATA = paths.DATA
SHARED = ROOT.parent / "shared"

# The Debian package of each program that a test may need.
PACKAGES = {
    "openssl": "openssl",
    "chromium": "chromium",
    "scepserver": "scep",
    "scepclient": "scep",
    "pki": "strongswan-pki libstrongswan-standard-plugins libstrongswan-extra-plugins",
    "xxd": "xxd",
    "hexdump": "bsdextrautils",
    "od": "coreutils",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "node": "nodejs",
}

T = TypeVar("T", bound=Callable[..., object])


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test if a program is missing, and say how to install it; in CI a missing program is a failure."""
    missing = shutil.which(program) is None
    if missing and os.environ.get("SCEPLAB_REQUIRE_ALL"):
        raise RuntimeError(f"{program} is missing, and SCEPLAB_REQUIRE_ALL is set")
    return pytest.mark.skipif(missing, reason=f"{program} is not installed (apt-get install {PACKAGES[program]})")


_NODE = """
import {{ readFileSync }} from "node:fs";
const load = (name) => import({static} + name);
const given = JSON.parse(readFileSync(0, "utf-8"));
const result = await (async () => {{ {code} }})();
process.stdout.write(JSON.stringify(result ?? null));
"""


def in_node(code: str, given: object) -> Any:
    """Run JavaScript in node and return what it returns.

    The code can use `given`, and `await load("viewer/scan.js")` to load a module of `views/static`.
    """
    static = json.dumps((ROOT / "sceplab" / "views" / "static").as_uri() + "/")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", _NODE.format(static=static, code=code)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def capture_folders() -> list[Path]:
    """Return the folders of real captures: those of the project, and the shared ones if available."""
    own = sorted((DATA / "captures").iterdir())
    assert len(own) >= 4
    shared = sorted((SHARED / "captures").iterdir()) if (SHARED / "captures").is_dir() else []
    return own + shared


def capture_file(folder: Path) -> Path:
    """Return the one capture file of a folder."""
    (found,) = folder.glob("capture.pcap*")
    return found


@cache
def materials(folder: Path) -> Materials:
    """Return all private keys and certificates of a folder."""
    files = sorted(p for p in folder.iterdir() if p.name.endswith((".key", ".key.pem")))
    assert files
    keys = [load_private_keys(p)[0] for p in files]
    certificates = [
        c
        for p in sorted(folder.glob("*.pem"))
        if "key" not in p.name and "p7" not in p.name
        for c in load_certificates(p)
    ]
    return Materials(tuple(keys), tuple(certificates), legacy=True, key_names=tuple(p.name for p in files))


@cache
def decoded(folder: Path) -> list[DecodedExchange]:
    """Return a folder's capture, decoded with all its keys."""
    return decode_exchanges(read_capture(capture_file(folder)), materials(folder))


def messages(folder: Path) -> list[PkiMessage]:
    """Return the pkiMessages of a folder's capture, in order."""
    return [m for item in decoded(folder) for m in (item.request, item.reply) if m is not None]


def message_places() -> list[Path]:
    """Return the places of real messages: folders with a capture, and files of one message."""
    return [DATA / "specimen", *capture_folders(), *sorted((SHARED / "messages").rglob("*.der"))]


def messages_at(place: Path) -> list[bytes]:
    """Return the bytes of the messages of one of the `message_places`."""
    return [m.raw for m in messages(place)] if place.is_dir() else [place.read_bytes()]


@cache
def real_messages() -> tuple[bytes, ...]:
    """Return the bytes of every available real message, each once."""
    found = [raw for place in message_places() for raw in messages_at(place)]
    assert len(found) >= 10
    return tuple(dict.fromkeys(found))


def place_name(place: Path) -> str:
    """Return a test id: the capture's name and the place of its folder."""
    return f"{'shared' if SHARED in place.parents else 'data'}-{place.name}"


def as_ber(data: bytes) -> bytes:
    """Return DER with an indefinite length for every constructed element, as iOS and jscep write it."""
    made = scan(data)
    forms = tuple((i, ber.Form(indefinite=True)) for i in range(len(made)) if data[made.start[i]] & der.CONSTRUCTED)
    return ber.dress(data, ber.Shape(forms))


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """Return one of the specimen's keys: "ca", "ra" or "r3"."""
    return load_private_keys(DATA / "specimen" / f"{name}.key.pem")[0]


@cache
def certificate(name: str) -> bytes:
    """Return one of the specimen's certificates as DER."""
    return load_certificates(DATA / "specimen" / f"{name}.pem")[0]
