"""Other projects' clients through a relay in a JupyterLab, to a server with https: what the view then shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from interop.peers import Peer, Scepclient, StrongSwan, Wish
from sceplab.files import pem_certificate, pem_key
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from tests.browser.notebook import PATIENCE, open_notebook, run_cell, screenshot
from tests.helpers.captures import needs
from tests.helpers.notebooks import write_notebook
from tests.helpers.tls import server_files, tls_front

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]

_CHALLENGE = "R3-to-R1-via-R2"
_CELL = """
from pathlib import Path
from sceplab.files import load_certificates, load_private_keys
from sceplab.lab.relay import Relay
from sceplab.scep.conversation import Materials
from sceplab.widgets import LabView
folder = Path({folder!r})
keys = Materials(tuple(load_private_keys(folder / "ca.key.pem")), load_certificates(folder / "ca.pem"), legacy=True)
relay = Relay({url!r}, name="the server", ca_file=folder / "tls-ca.pem", materials=keys).start()
LabView(relay)
"""
_DARK = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


@dataclass(frozen=True)
class Server:
    """An https server: its URL, and the folder with its CA's certificate and key and the CA of TLS."""

    url: str
    folder: Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Yield our CA behind TLS."""
    _, files = server_files(tmp_path)
    policy = Policy((_CHALLENGE,), strict=Strictness(legacy=True))
    with Lab(policy=policy, host_names=("127.0.0.1",)) as ca:
        (tmp_path / "ca.pem").write_bytes(pem_certificate(ca.ca.certificate))
        (tmp_path / "ca.key.pem").write_bytes(pem_key(ca.ca.issuer.key))
        plain = ca.ca_url.split("/", 3)
        host, port = plain[2].split(":")
        with tls_front(int(port), files, host) as secure:
            yield Server(f"https://127.0.0.1:{secure}/{plain[3]}", tmp_path)


@needs("pki")
@needs("scepclient")
def test_wrong_challenges_of_other_programs_are_shown_over_tls(
    page: Page, lab: str, lab_root: Path, server: Server
) -> None:
    """The verdict names the challengePassword as the cause, for each program; the right one is granted."""
    write_notebook(lab_root, "tls", _CELL.format(folder=str(server.folder), url=server.url), "print(relay.url)")
    open_notebook(page, lab, "tls")
    run_cell(page, 0)
    printed = run_cell(page, 1).get_by_text("http://127.0.0.1")
    expect(printed).to_be_visible(timeout=PATIENCE)
    url = printed.inner_text().strip()
    output = page.locator(".jp-CodeCell").first.locator(".jp-OutputArea")
    peers: tuple[Peer, ...] = (StrongSwan(), Scepclient())
    for number, peer in enumerate(peers, 1):
        _enroll(peer, url, server.folder / peer.name, "R3-to-R1-via-R9", granted=False)
        expect(output.get_by_role("option", name="CertRep FAILURE badRequest")).to_have_count(number, timeout=PATIENCE)
    verdict = output.locator("pre", has_text="challengePassword").first
    expect(verdict).to_be_visible(timeout=PATIENCE)
    _pictures(page, output, "relay-tls")
    output.get_by_role("option", name="POST PKCSReq").first.click()
    onion = output.locator(".sceplab-viewer")
    expect(onion.get_by_role("button", name="CertificationRequest")).to_be_visible(timeout=PATIENCE)
    _enroll(StrongSwan(), url, server.folder / "right", _CHALLENGE, granted=True)
    expect(output.get_by_role("option", name="CertRep SUCCESS")).to_be_visible(timeout=PATIENCE)
    _pictures(page, output, "relay-tls-granted")


def _enroll(peer: Peer, url: str, folder: Path, challenge: str, *, granted: bool) -> None:
    folder.mkdir()
    got = peer.enroll(url, folder, Wish(challenge=challenge))
    assert (got.held is not None) == granted, got.log


def _pictures(page: Page, output: Locator, name: str) -> None:
    output.scroll_into_view_if_needed()
    screenshot(page, name)
    page.evaluate(_DARK, "JupyterLab Dark")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=PATIENCE)
    screenshot(page, f"{name}-dark")
    page.evaluate(_DARK, "JupyterLab Light")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=PATIENCE)
