"""Everything installed or downloaded is pinned by hash, including the tool that makes the lock files."""

from __future__ import annotations

import re
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.captures import ROOT


def test_every_download_of_the_makefile_is_pinned_by_hash() -> None:
    """No `pip install` has only a name or version."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"pip (?:install|download)", line)]
    assert len(installs) >= 4
    for line in installs:
        assert "--require-hashes -r " in line or "--no-deps --no-build-isolation -e ." in line, line


def test_a_requirement_with_an_extra_is_pinned_with_the_extra() -> None:
    """If only `coverage` is pinned, pip takes the newest version for `coverage[toml]`, which has no hash."""
    checked = 0
    for lock in [ROOT / "requirements.lock", ROOT / "requirements-oldest.lock"]:
        found = re.findall(r"^([\w.-]+)(?:\[([\w,-]+)\])?==", lock.read_text("utf-8"), re.MULTILINE)
        pins = {canonicalize_name(name): set(extras.split(",")) for name, extras in found}
        for installed in distributions():
            if canonicalize_name(installed.name) not in pins:
                continue
            for wanted in map(Requirement, installed.requires or ()):
                here = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
                if wanted.extras and here:
                    assert wanted.extras <= pins[canonicalize_name(wanted.name)], (lock.name, installed.name, wanted)
                    checked += 1
    assert checked >= 2


def test_every_lock_file_has_hashes() -> None:
    """Each version has at least one hash, and the lock file contains exactly what its .in file requests."""
    locks = [*ROOT.glob("*.lock"), *ROOT.glob("*/requirements.lock"), *ROOT.glob("tools/*/requirements.lock")]
    assert {p.parent.name for p in locks} >= {"interop", "lock", "corpora"}
    for lock in locks:
        text = lock.read_text("utf-8")
        pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+.*\\\n +--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?(?:==| @)", text, re.MULTILINE)) > 0, lock
        wanted = lock.with_suffix(".in")
        if wanted.exists():
            for name, version in re.findall(r"^([\w.-]+)==(\S+)$", wanted.read_text("utf-8"), re.MULTILINE):
                assert f"\n{name.lower()}=={version} " in f"\n{text.lower()}", (lock, name)
