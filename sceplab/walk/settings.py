"""Which capture the notebooks walk through, with which keys: from `walk.toml` and the environment.

Rule: settings only; the keys and certificates that they name are not opened here. The environment goes
before the file, and what open_story() is given goes before both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sceplab.errors import InputError
from sceplab.files import write_new

WORK = "work"
"""The folder, beside the notebooks, where they write the files of their steps."""
FILE = "walk.toml"
"""The file beside the notebooks that names the reader's own capture."""
CAPTURE = "SCEPLAB_CAPTURE"
"""Environment variable with the capture."""
KEYS = "SCEPLAB_KEYS"
"""Environment variable with a list of files of private keys, separated as in PATH."""
CERTIFICATES = "SCEPLAB_CERTS"
"""Environment variable with a list of files of certificates."""
PASSWORDS = "SCEPLAB_PASSWORDS"
"""Environment variable with a list of challenge passwords."""
PASSPHRASE = "SCEPLAB_PASSPHRASE"  # noqa: S105 - the name of a variable
"""Environment variable with the passphrase of encrypted private keys."""
EXCHANGE = "SCEPLAB_EXCHANGE"
"""Environment variable with the number of the exchange."""
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What to walk through; `exchange` is numbered as `sceplab decode` does, None is the first PKIOperation.

    `origin` says where this was set, in words for people.
    """

    capture: str
    keys: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    passwords: tuple[str, ...] = field(default=(), repr=False)
    exchange: int | None = None
    origin: str = ""


def read_settings(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings | None:
    """Return the settings of the environment or of `walk.toml` in `folder`, None where there are none.

    Paths in the file are relative to it. Raises InputError where the file or a
    variable cannot be understood.
    """
    if environment.get(CAPTURE):
        return Settings(
            environment[CAPTURE],
            tuple(Path(p) for p in _listed(environment, KEYS)),
            tuple(Path(p) for p in _listed(environment, CERTIFICATES)),
            tuple(_listed(environment, PASSWORDS)),
            _number(environment.get(EXCHANGE), EXCHANGE),
            f"the environment variable {CAPTURE}",
        )
    path = folder / FILE
    return _of_file(path) if path.is_file() else None


def _listed(environment: Mapping[str, str], name: str) -> list[str]:
    return [part for part in environment.get(name, "").split(os.pathsep) if part]


def _number(value: object, where: str) -> int | None:
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"{where} is {text[:40]!r}; give the number that `sceplab decode` shows")
    return int(text)


def _of_file(path: Path) -> Settings:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is too large for settings")
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    unknown = sorted(given.keys() - {"capture", "keys", "certificates", "passwords", "exchange"})
    if unknown:
        raise InputError(
            f"{path}: {unknown[0]!r} is not a setting; there are capture, keys, certificates, passwords, exchange"
        )
    capture = given.get("capture")
    if not isinstance(capture, str) or not capture:
        raise InputError(f'{path}: name a capture, as in capture = "scep.pcap"')
    here = path.parent
    beside = _below(here, capture)
    return Settings(
        str(beside) if _is_there(beside) else capture,
        tuple(_below(here, p) for p in _texts(given, "keys", path)),
        tuple(_below(here, p) for p in _texts(given, "certificates", path)),
        tuple(_texts(given, "passwords", path)),
        _number(given.get("exchange"), f"{path}: exchange"),
        str(path),
    )


def _below(folder: Path, text: str) -> Path:
    """Return the path that a text names, seen from a folder; `~nobody` is a name like any other."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        return folder / text


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a link or pasted text is longer than a name may be
        return False


def _texts(given: Mapping[str, object], name: str, path: Path) -> list[str]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError(f'{path}: {name} is a list of texts, as in {name} = ["ca.pem"]')
    return value


def toml_of(settings: Settings) -> str:
    """Return the text of a `walk.toml` with these settings: paths of keys, never keys.

    Raises InputError where a text cannot be written in TOML.
    """
    lines = [
        "# What notebooks 01 to 05 take apart. Delete this file to go back to the specimen.",
        f"capture = {_quoted(settings.capture)}",
        f"keys = [{', '.join(_quoted(str(p)) for p in settings.keys)}]",
        f"certificates = [{', '.join(_quoted(str(p)) for p in settings.certificates)}]",
    ]
    if settings.passwords:
        lines.append(f"passwords = [{', '.join(map(_quoted, settings.passwords))}]")
    if settings.exchange is not None:
        lines.append(f"exchange = {settings.exchange}")
    return "\n".join(lines) + "\n"


def set_capture(folder: Path, source: str | bytes, exchange: int | None) -> Path:
    """Write `walk.toml` for a capture: a path, or bytes, which are kept in `work/own` below the folder.

    The keys and certificates that a `walk.toml` there names already stay in it.
    Returns its path. Raises InputError where it cannot be written, or is none.
    """
    path = folder / FILE
    before = _of_file(path) if path.is_file() else Settings("")
    if isinstance(source, bytes):
        kept = folder / WORK / "own" / "capture"
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{kept.parent} cannot be created: {error.strerror}") from error
        write_new(kept, source, force=True, private=True)
        source = str(kept.relative_to(folder))
    write_new(path, toml_of(replace(before, capture=source, exchange=exchange)).encode(), force=True)
    return path


def _quoted(text: str) -> str:
    """Write a TOML basic string (TOML 1.0, String)."""
    out = []
    for character in text:
        code = ord(character)
        if 0xD800 <= code < 0xE000:
            raise InputError(f"{text!r} cannot be written in {FILE}: it is not Unicode text")
        if character in {'"', "\\"}:
            out.append("\\" + character)
        elif code < 0x20 or 0x7F <= code < 0xA0:
            out.append(f"\\u{code:04X}")
        else:
            out.append(character)
    return '"' + "".join(out) + '"'
