"""The fields of the tables: which test fills which field, and which field is empty since a program lacks a feature.

Rule: the facts are in `cases` and `peers`; this module combines them into pytest parameters.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from _pytest.mark import ParameterSet

from interop.cases import CASES, Case, known_failure
from interop.peers import PROGRAMS, Peer, cannot

OURS = {"ca": "their clients at our CA", "ra": "their clients at our RA, which asks our CA"}
THEIRS = "our client at micromdm's scepserver"
RELAYED = "through sceplab relay, to a server with https"
RECIPES = "the commands that sceplab lab start prints, run as printed"
YEARS = {"ca": "their clients eleven months later, at our CA", "ra": "their clients eleven months later, at our RA"}
SAME, LATER = "renewal with the same request", "renewal with a new request"
TAKEN_OVER, GET_NEXT = "renewal after a rollover", "GetNextCACert"
CHAINS = "clients where GetCACert has a chain"
SHAPES = ("ca sub root", "root sub ca", "ra ca sub root", "root ca sub ra", "sign encrypt ca sub root")
HTTPS = "clients at our CA with https"
TRUSTED, UNTRUSTED = "the CA of TLS is given", "the CA of TLS is unknown"
OUR_CLIENT = "our client"
SERVERS = ("our CA", "our RA", "micromdm scepserver")


def later(row: str) -> list[ParameterSet]:
    """Return (peer, "ca" or "ra", known failure) for a row of `YEARS`; GetNextCACert is asked of the CA only."""
    return [
        pytest.param(
            peer,
            side,
            known_failure(peer.name, row),
            id=f"{peer.name}-{side}".replace(" ", "-"),
            marks=pytest.mark.field(table, row, peer.name),
        )
        for peer in PROGRAMS
        for side, table in YEARS.items()
        if row != GET_NEXT or side == "ca"
    ]


def everybody(table: str, rows: Sequence[str]) -> list[ParameterSet]:
    """Return (peer, or None for our client; row; known failure) for each program and row of a table."""
    return [
        pytest.param(
            peer,
            row,
            known_failure(name, row),
            id=f"{name}-{row}".replace(" ", "-"),
            marks=pytest.mark.field(table, row, name),
        )
        for peer, name in (*((p, p.name) for p in PROGRAMS), (None, OUR_CLIENT))
        for row in rows
    ]


def relayed() -> list[ParameterSet]:
    """Return (peer, or None for our client; server; known failure) for each pair that the relay connects."""
    out = []
    for peer in (*PROGRAMS, None):
        name = peer.name if peer is not None else OUR_CLIENT
        for server in SERVERS:
            marks = [pytest.mark.field(RELAYED, server, name)]
            if server == SERVERS[-1]:
                marks.append(pytest.mark.xdist_group("micromdm"))
            known = known_failure(name, server)
            out.append(pytest.param(peer, server, known, id=f"{name}-{server}".replace(" ", "-"), marks=marks))
    return out


def _why_not(peer: Peer, case: Case) -> str | None:
    if case.name == "POST" and peer.name == "certmonger":
        return "sends GET only"
    if case.renew and "renew" not in peer.able:
        return "cannot renew"
    return cannot(peer.able, case.wish)


def clients(side: str) -> list[ParameterSet]:
    """Return (peer, case, known failure) for each possible pair, with its place in the table."""
    out = []
    for peer in PROGRAMS:
        for case in CASES:
            if case.one_ra_certificate and side == "ca":
                continue
            if _why_not(peer, case) is None:
                marks = pytest.mark.field(OURS[side], case.name, peer.name)
                name = f"{peer.name}-{case.name}".replace(" ", "-")
                out.append(pytest.param(peer, case, known_failure(peer.name, case.name), id=name, marks=marks))
    return out


def not_applicable(table: str, fields: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return the fields that no test fills, each with the reason; only for programs and cases that ran."""
    if table not in OURS.values():
        return {}
    rows, columns = {row for row, _ in fields}, {column for _, column in fields}
    return {
        (case.name, peer.name): f"n/a: {peer.name}: {why}"
        for peer in PROGRAMS
        for case in CASES
        if case.name in rows and peer.name in columns and (why := _why_not(peer, case)) is not None
    }


def order(row: str) -> tuple[int, str]:
    """Return the sort key of a row: the order of `CASES` and of the rows above, then the name."""
    names = [*(case.name for case in CASES), SAME, LATER, TAKEN_OVER, GET_NEXT, *SHAPES]
    names += [TRUSTED, UNTRUSTED]
    return (names.index(row) if row in names else len(names), row)


def column_order(column: str) -> int:
    """Return the sort key of a column: the order of `PROGRAMS`."""
    names = [peer.name for peer in PROGRAMS]
    return names.index(column) if column in names else len(names)


def have(peer: Peer) -> None:
    """Skip a test if its program is missing; with SCEPLAB_REQUIRE_ALL set, fail it."""
    why = peer.missing()
    if why is not None and os.environ.get("SCEPLAB_REQUIRE_ALL"):
        pytest.fail(f"{why}, and SCEPLAB_REQUIRE_ALL is set")
    if why is not None:
        pytest.skip(why)
