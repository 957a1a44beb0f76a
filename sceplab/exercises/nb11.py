"""Exercises of 11-mystery-captures."""

from __future__ import annotations

from sceplab.exercises import Exercise

CAUSES = {
    "A": "The URL leads to something that is not a SCEP server.",
    "B": "The server has no CA with the name in the request.",
    "C": "The challengePassword is wrong.",
    "D": "The key in the request is too short for the CA's template.",
    "E": "The request is encrypted for a certificate that is not for encryption.",
    "F": "Something on the way treated the bytes as text and changed them.",
    "G": "The client does not accept what GetCACaps or GetCACert returned, and never sends a request.",
    "H": "The reply has the certificates in an order that some clients do not understand.",
    "I": "The message was cut off on the way.",
    "J": "The client's clock is wrong.",
    "K": "The signer's certificate does not chain to the CA.",
    "L": "A transactionID was used twice.",
}
"""The answers to choose from; some fit none of the captures."""


def exercises() -> tuple[Exercise, ...]:
    """Return the eight, from easy to nasty; the answer of each is a letter of `CAUSES`."""
    return (
        _mystery(
            1,
            "B",
            ("Look at the last reply: its status, and its body.", "decoded[1].exchange.reply.body"),
            {"A": "GetCACaps was answered well: a SCEP server is there."},
            "GetCACaps got a 200, so the server is there; its 404 on GetCACert names the CA that it does not know.",
        ),
        _mystery(
            2,
            "A",
            ("What kind of document is the answer?", "decoded[0].exchange.reply.header('Content-Type')"),
            {"B": "the server says nothing about a CA; look at what it sent."},
            "GetCACert was answered with a web page. HTTP 200 means that the page was found, not that it is SCEP.",
        ),
        _mystery(
            3,
            "C",
            ("An HTTP status of 500 says little. What is in the body?", "decoded[2].exchange.reply.body"),
            {"A": "that server has answered GetCACert with a certificate."},
            "The body of the 500 says it. RFC 8894 asks for a FAILURE instead; many servers send an HTTP error.",
        ),
        _mystery(
            4,
            "G",
            ("Which operation never comes?", "Three times the same two requests, a minute apart, all with status 200."),
            {"C": "no request with a challengePassword was ever sent.", "I": "no message was ever sent."},
            "There is no PKIOperation. The client gives up before it, for a reason that only its own log shows.",
        ),
        _mystery(
            5,
            "D",
            (
                "The reply is a FAILURE. badRequest may mean nearly anything. What else does the reply say?",
                "show_fields(decoded[2].reply, 'signedAttrs'): one attribute is Microsoft's; look up 0x80094811.",
            ),
            {"C": "that is the usual suspect of a badRequest, but this reply has a code of its own."},
            "Microsoft's error attribute holds 0x80094811, CERTSRV_E_KEY_LENGTH.",
        ),
        _mystery(
            6,
            "F",
            (
                "The body is longer than the ASN.1 in it says. How many bytes?",
                "body = decoded[2].exchange.request.body; count b'\\r\\n', and b'\\n' that have no b'\\r' before them.",
            ),
            {"I": "it was not cut off: it is too long."},
            "Each 0a has become 0d 0a. Somewhere a program posted the message as text.",
        ),
        _mystery(
            7,
            "E",
            (
                "GetCACert gave three certificates. For which of them is the request encrypted?",
                "The recipient has a serial number. What does the keyUsage of that certificate allow?",
            ),
            {"C": "the CA could not even read the password.", "K": "the signer is self-signed, as it should be."},
            "The request is encrypted for the CA. Its keyUsage has no keyEncipherment; the RA's certificate has it.",
        ),
        _mystery(
            8,
            "H",
            (
                "The CA granted the request, and the client reports an error. Open the reply with the client's key.",
                "decoded[2].reply.message_data.certificates: which has the key of the request?",
            ),
            {"C": "the request was granted.", "J": "nothing in it is expired."},
            "The CA's own certificate comes first. A client that takes the first one finds a key that is not its own.",
        ),
    )


def _mystery(number: int, letter: str, hints: tuple[str, ...], mistakes: dict[str, str], why: str) -> Exercise:
    return Exercise(
        f"Mystery {number}: which cause is it? Answer with a letter.",
        letter,
        repr(letter),
        hints,
        {text: wrong for wrong, text in mistakes.items()},
        why,
    )
