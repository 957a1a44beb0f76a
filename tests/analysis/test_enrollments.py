"""Exchanges are grouped into enrollments, from the first request of a transaction to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.analysis.enrollments import Ending, group
from sceplab.scep.transport import ALONE, LOG_LINE, Exchange, HttpReply, HttpRequest
from tests.helpers import scenes as s
from tests.helpers.captures import certificate
from tests.helpers.scenes import scene


def _poll(nonce: int) -> bytes:
    return s.request(message_type="20", nonce=bytes([nonce]) * 16)


def test_a_grant_ends_a_pending_enrollment() -> None:
    """Two PENDING replies and a SUCCESS make one granted enrollment without causes."""
    made = scene(
        s.caps(),
        s.ca(certificate("ca")),
        s.posted(s.request(), s.reply("3")),
        s.posted(_poll(1), s.reply("3", nonce=b"\x01" * 16)),
        s.posted(_poll(2), s.reply(nonce=b"\x02" * 16)),
    )
    (enrollment,) = group(made.decode()).found
    assert enrollment.ending is Ending.GRANTED
    assert (enrollment.before, enrollment.steps, enrollment.last) == ([0, 1], [2, 3, 4], 4)
    assert analyse(made.decode()).causes == ()


def test_clients_and_servers_are_kept_apart() -> None:
    """Two clients that send the same transactionID to two servers make four enrollments."""
    one = s.posted(s.request(), s.reply())
    places = [
        (client, server) for client in ("10.0.0.1:1", "10.0.0.2:1") for server in ("192.0.2.1:80", "192.0.2.2:80")
    ]
    found = group(scene(*(replace(one, client=c, server=v) for c, v in places)).decode()).found
    assert [(e.service.client, e.service.server) for e in found] == [(c[:-2], v) for c, v in places]


def test_the_port_of_a_client_does_not_matter() -> None:
    """Each connection of a client has a new source port."""
    first, last = s.posted(s.request(), s.reply("3")), s.posted(_poll(1), s.reply(nonce=b"\x01" * 16))
    made = scene(replace(first, client="10.0.0.1:4001"), replace(last, client="10.0.0.1:4002"))
    assert [e.ending for e in group(made.decode()).found] == [Ending.GRANTED]


def test_other_http_requests_are_left_out() -> None:
    """Other web requests are counted and have no causes."""
    web = s.sent("/index.html", HttpReply(404, (), b"<html>", "Not Found"))
    made = scene(web, s.posted(s.request(), s.reply()), web)
    found = group(made.decode())
    assert (len(found.found), found.other) == (1, (0, 2))
    assert analyse(made.decode()).causes == ()


@pytest.mark.parametrize(
    ("exchange", "ending"),
    [
        (lambda: s.posted(s.request(), s.reply("2", fail="2")), Ending.REFUSED),
        (lambda: s.posted(s.request(), HttpReply(500)), Ending.FAILED),
        (lambda: s.posted(s.request(), b"<html>"), Ending.FAILED),
        (lambda: s.posted(s.request()), Ending.NO_ANSWER),
        (s.caps, Ending.NOT_SENT),
        (lambda: replace(s.posted(s.request()), recorded=ALONE), Ending.NOT_RECORDED),
        (
            lambda: Exchange(
                HttpRequest("POST", "/scep?operation=PKIOperation"), HttpReply(200, truncated=True), recorded=LOG_LINE
            ),
            Ending.NOT_RECORDED,
        ),
        (
            lambda: Exchange(
                HttpRequest("POST", "/scep?operation=PKIOperation"), HttpReply(500, truncated=True), recorded=LOG_LINE
            ),
            Ending.FAILED,
        ),
    ],
)
def test_ending_of_an_enrollment(exchange: Callable[[], Exchange], ending: Ending) -> None:
    """An outcome that was not recorded is unknown, not a failure."""
    (enrollment,) = group(scene(exchange()).decode()).found
    assert enrollment.ending is ending


def test_a_thousand_clients_are_a_thousand_enrollments() -> None:
    """Each client fetches the capabilities and sends nothing else."""
    made = scene(*(replace(s.caps(), client=f"10.0.{n >> 8}.{n & 255}:1") for n in range(1000)))
    assert len(group(made.decode()).found) == 1000
