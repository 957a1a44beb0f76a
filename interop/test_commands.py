"""The commands that `sceplab lab start` prints, run as they are printed, in a shell and an empty folder."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from interop.judge import judge
from interop.matrix import RECIPES, have
from interop.peers import PROGRAMS, ROOT, Certmonger, Held, run
from sceplab.cli.lab.recipes import Server, recipes, set_challenge
from sceplab.files import pem_certificate
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy

# Characters that a shell, or openssl's configuration, would take for its own.
CHALLENGE = "it's $HOME #1 \\ 2"
# The programs of the recipes that this machine can have; of the others none is in Debian 12 or on PyPI.
NAMES = ("sceplab", "strongSwan", "micromdm", "certmonger")
SERVERS = ("our CA", "our RA", "our RA with two certificates")


def _cases() -> list[ParameterSet]:
    return [
        pytest.param(
            name, server, id=f"{name}-{server}".replace(" ", "-"), marks=pytest.mark.field(RECIPES, server, name)
        )
        for name in NAMES
        for server in SERVERS
    ]


@pytest.mark.parametrize(("name", "server"), _cases())
def test_printed_commands_enroll(name: str, server: str, tmp_path: Path) -> None:
    """They make a key and a certificate of this CA, which openssl accepts."""
    peer = next((p for p in PROGRAMS if p.name.startswith(name)), None)
    if peer is not None:
        have(peer)
    strict = Strictness(legacy=True)
    with ExitStack() as stack:
        lab = stack.enter_context(
            Lab(policy=Policy((CHALLENGE,), strict=strict), ra_policy=RaPolicy((CHALLENGE,), strict=strict))
        )
        at_ra = server != SERVERS[0]
        if at_ra:
            lab.enroll_ra(two_certificates=server == SERVERS[2])
        ca = tmp_path / "our-ca.pem"
        ca.write_bytes(pem_certificate(lab.ca.certificate))
        where = Server(lab.ra_url if at_ra else lab.ca_url, ca, challenge=True, ra_certificates=SERVERS.index(server))
        lines = _commands(name, where)
        environment = {}
        if isinstance(peer, Certmonger):
            daemon = stack.enter_context(peer.running(tmp_path))
            environment = dict(daemon[0])
        code, log = run(["bash", "-ec", "\n".join(lines)], tmp_path, seconds=120, environment=environment)
        assert code == 0, log
        certificate = tmp_path / f"{name.lower()}.pem"
        deadline = time.monotonic() + 120
        while not certificate.exists() and isinstance(peer, Certmonger) and time.monotonic() < deadline:
            time.sleep(0.1)
        key = tmp_path / (f"{name}.key.pem" if name == "sceplab" else f"{name.lower()}.key")
        judge(Held(key, certificate), ca, name="R3", kind="2048 bit")


def _commands(name: str, server: Server) -> list[str]:
    """Return the lines that are printed for a program."""
    (recipe,) = (r for r in recipes(server) if r.program == name)
    first = [set_challenge(CHALLENGE)]
    if name == "sceplab":
        first.append(f'sceplab() {{ "{ROOT / ".venv/bin/python"}" -m sceplab.cli "$@"; }}')
    return [*first, *recipe.lines()]


@pytest.mark.parametrize("challenge", [True, False])
def test_the_request_for_sscep_has_the_challenge(tmp_path: Path, *, challenge: bool) -> None:
    """Key and CSR are made by openssl; sscep itself is not in Debian 12, so what follows is not run."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    (recipe,) = (r for r in recipes(Server("http://x/", tmp_path, challenge)) if r.program == "sscep")
    made = [line for line in recipe.commands if not line.startswith("sscep")]
    assert len(made) == 2
    lines = [set_challenge(CHALLENGE), *made] if challenge else made
    subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    text = subprocess.run(
        ["openssl", "req", "-in", "sscep.csr", "-noout", "-text", "-verify"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert (f"challengePassword        :{CHALLENGE}" in text) == challenge
    assert "CN = R3" in text
