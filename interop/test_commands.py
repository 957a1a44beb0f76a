"""The client commands that `sceplab lab start` prints for other programs work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from interop.matrix import have
from interop.peers import PROGRAMS
from sceplab.cli.lab.start import client_commands
from sceplab.cms.x509 import parse_certificate
from sceplab.files import load_certificates
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy


@pytest.mark.parametrize("program", ["strongSwan", "micromdm"])
def test_printed_commands_enroll(program: str, tmp_path: Path) -> None:
    """Run in a shell, they fetch a certificate of this CA."""
    have(next(p for p in PROGRAMS if p.name.startswith(program)))
    with Lab(policy=Policy(("secret",), strict=Strictness(legacy=True))) as lab:
        lines = client_commands(lab.ca_url, "secret", tmp_path / "ca.pem")
        start = next(i for i, line in enumerate(lines) if line.startswith(f"# {program}"))
        block = lines[start + 1 :]
        end = next(i for i, line in enumerate(block) if line.startswith("#"))
        subprocess.run(
            ["bash", "-ec", "\n".join(block[:end])], cwd=tmp_path, check=True, capture_output=True, timeout=60
        )
        issued = parse_certificate(load_certificates(tmp_path / "r3.pem")[0])
        assert issued.issuer == lab.ca.issuer.parsed.subject
        assert issued.subject.rfc4514().startswith("CN=R3")
