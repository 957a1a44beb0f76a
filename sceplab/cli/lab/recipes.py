"""What to type to enroll at the lab with known clients: complete, and run by the tests of `interop`.

Rule: text only. Each recipe can be pasted into a shell in an empty folder; its files begin with the
program's name. The challengePassword is in the variable CHALLENGE, so it is typed once.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """Where to enroll: the URL, the file of the CA's certificate, and how many certificates an RA there has.

    `challenge`: whether the server takes a challengePassword; else a person decides.
    """

    url: str
    certificate: Path
    challenge: bool
    ra_certificates: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """The commands of a program, one after the other; `note` is for who reads them.

    `names_ra`: at an RA they have other files, not another URL alone.
    """

    program: str
    note: str
    commands: tuple[str, ...]
    names_ra: bool = False

    def lines(self) -> list[str]:
        """Return the commands below a comment that names the program."""
        return [f"# {self.program}{f' ({self.note})' if self.note else ''}", *self.commands]


def set_challenge(word: str | None) -> str:
    """Return the command that sets CHALLENGE; None is a word that was typed unseen, and is asked for again."""
    return "read -rs CHALLENGE; export CHALLENGE" if word is None else f"export CHALLENGE={shlex.quote(word)}"


def recipes(server: Server) -> tuple[Recipe, ...]:
    """Return the recipes for a server."""
    return _sceplab(server), _strongswan(server), _micromdm(server), _sscep(server), _certmonger(server), _ios(server)


def _option(server: Server, name: str) -> str:
    return f' {name} "$CHALLENGE"' if server.challenge else ""


def _sceplab(server: Server) -> Recipe:
    command = f"sceplab enroll {server.url} --subject CN=R3 --name sceplab{_option(server, '--challenge')}"
    return Recipe("sceplab", "", (command,))


def _strongswan(server: Server) -> Recipe:
    ca, signer, encrypter, more = "strongswan-ca.pem", "strongswan-ca.pem", "strongswan-ca.pem", ""
    if server.ra_certificates:
        signer, encrypter = "strongswan-ra.pem", "strongswan-ra.pem"
        more = " --raout strongswan-ra.pem"
    if server.ra_certificates > 1:
        # It writes them from the last (to receive) to the first (to sign), and numbers those after the first.
        signer = "strongswan-ra-2.pem"
    return Recipe(
        "strongSwan",
        "",
        (
            f"pki --scepca --url {server.url} --caout {ca}{more} --outform pem",
            "pki --gen --outform pem > strongswan.key",
            f"pki --scep --url {server.url} --in strongswan.key --dn CN=R3{_option(server, '--password')} \\",
            f"    --cacert-enc {encrypter} --cacert-sig {signer} --cacert {ca} --outform pem > strongswan.pem",
        ),
        names_ra=True,
    )


def _micromdm(server: Server) -> Recipe:
    command = f"scepclient -server-url {server.url} -private-key micromdm.key -certificate micromdm.pem -cn R3"
    note = "sends single DES: start the lab with --legacy"
    return Recipe("micromdm", note, (f"{command}{_option(server, '-challenge')}",))


def _sscep(server: Server) -> Recipe:
    attributes = ("attributes=attributes", "[attributes]", "challengePassword=$ENV::CHALLENGE")
    of_request, of_attributes = (attributes[:1], attributes[1:]) if server.challenge else ((), ())
    settings = ("[req]", "prompt=no", "distinguished_name=dn", *of_request, "[dn]", "CN=R3", *of_attributes)
    ca = "sscep-ca.crt"
    # It numbers the certificates of GetCACert where there are several; the RA's come first.
    named = (f"-c {ca}", f"-c {ca}-0", f"-c {ca}-0 -e {ca}-1")[server.ra_certificates]
    return Recipe(
        "sscep",
        "",
        (
            f"printf '%s\\n' {' '.join(map(shlex.quote, settings))} > sscep.cnf",
            "openssl req -new -newkey rsa:2048 -nodes -config sscep.cnf -keyout sscep.key -out sscep.csr",
            f"sscep getca -u {server.url} -c {ca}",
            f"sscep enroll -u {server.url} {named} -k sscep.key -r sscep.csr -l sscep.pem -E aes128 -S sha256",
        ),
        names_ra=True,
    )


def _certmonger(server: Server) -> Recipe:
    files = '-k "$PWD/certmonger.key" -f "$PWD/certmonger.pem"'
    return Recipe(
        "certmonger",
        "then `getcert list` until it says MONITORING",
        (
            f"getcert add-scep-ca -c sceplab -u {server.url} -N {shlex.quote(str(server.certificate))}",
            "until getcert list-cas -c sceplab | grep -q thumbprint; do sleep 1; done",
            f"getcert request -c sceplab -I sceplab {files} -N CN=R3{_option(server, '-L')}",
        ),
    )


def _ios(server: Server) -> Recipe:
    host = server.url.split("/")[2]
    return Recipe(
        "Cisco IOS",
        "a router must reach this machine: lab start --listen",
        (
            f"crypto pki trustpoint R1 / enrollment url http://{host} / exit",
            "crypto pki authenticate R1 / crypto pki enroll R1",
        ),
    )
