"""Pages that need no kernel: what is in them, what is left out, and what their policy allows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

import sceplab
from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.compare import compare
from sceplab.cms.enveloped import OtherRecipient
from sceplab.errors import InputError
from sceplab.report.html import html_page, to_html
from sceplab.scep.conversation import NO_MATERIALS, decode_exchanges
from sceplab.scep.transport import HttpReply
from sceplab.schema.layers import Made, layers_of
from sceplab.views.blanking import blanked
from sceplab.views.page import Kept, difference_page, inspector_page, report_page, viewer_page, without_secrets
from sceplab.views.script import STATIC, join
from tests.helpers import scenes
from tests.helpers.captures import DATA, as_ber, capture_folders, certificate, decoded, key, materials, messages
from tests.helpers.html import assert_harmless, exchanges_in, still_part, unpacked

SECRET = "no-one-shall-read-this"
# Ways in which text could become markup, a script, or the end of one.
KINDS = (
    "</script><script>window.bad=1</script>",
    "<!--<script>",
    "-->",
    "<img src=x onerror=window.bad=1>",
    "<svg/onload=window.bad=1>",
    '" onmouseover="window.bad=1',
    "' autofocus onfocus='window.bad=1",
    "</style><style>*{display:none}</style>",
    "</noscript><iframe src=//x>",
    "<a href=javascript:window.bad=1>x</a>",
    "&lt;b&gt;&#60;b&#62;",
    "${window.bad=1}`",
    "\u202egnp.exe\u2028\u0085",
    "]]></p></div></body></html>",
)


def _analysis(*exchanges: object, secrets: bool = False) -> Analysis:
    items = scenes.decode(*exchanges)  # type: ignore[arg-type]
    return analyse(items, scenes.materials(), show_secrets=secrets)


def _text(page: str) -> bytes:
    """Return all that a page says, packed or not."""
    return b"".join([page.encode(), *unpacked(page)])


def _capture(secrets: bool = False) -> Analysis:
    message = scenes.request(scenes.csr(challenge=SECRET))
    return _analysis(scenes.caps(), scenes.ca(), scenes.posted(message, scenes.reply()), secrets=secrets)


# ---------------------------------------------------------- policy


@pytest.mark.parametrize(
    "made",
    [lambda: inspector_page(_capture())[0], lambda: report_page(_capture()), lambda: to_html(_capture())],
    ids=["inspector", "report", "still"],
)
def test_the_policy_allows_what_the_page_has_and_nothing_else(made: Callable[[], str]) -> None:
    """One style and at most one script, by their digests; nothing is loaded, and no attribute has style or script."""
    page = made()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy is not None
    assert page.index("<style") > policy.end()
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("require-trusted-types-for") == "'script'"
    assert rules.pop("trusted-types") == "'none'"
    for name, tag in (("script", 'script type="module"'), ("style", "style")):
        found = re.findall(rf"<{tag}>(.*?)</{name}>", page, re.DOTALL)
        digests = [f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in found]
        assert ([rules.pop(f"{name}-src")] if digests else []) == digests
        assert len(found) == 1 or (name == "script" and not found)
    assert rules == {}
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.findall(r"<[^>]*\s(?:style|on\w+|src|srcset|background)=", body)
    assert all(a.startswith("https://www.rfc-editor.org/") for a in re.findall(r'href="([^"]*)"', body))


def test_no_script_of_ours_can_end_early() -> None:
    """The joined script has nothing that HTML reads as the end of a script, or as a comment in it."""
    script = join(STATIC / "saved.js")
    assert not re.search(r"</script|<!--|<script", script, re.IGNORECASE)
    assert "\r" not in script
    style = "".join(path.read_text("utf-8") for path in STATIC.glob("*.css"))
    assert "</" not in style
    assert "\r" not in style


# ---------------------------------------------------------- secrets


def test_secrets_are_left_out_unless_they_are_asked_for() -> None:
    """Decrypted layers and the challengePassword are in no page that was not asked to have them; each says so."""
    page, words = inspector_page(_capture())
    assert words.startswith("Secrets are masked: 2 decrypted layers are left out. Messages are as captured")
    assert words in page
    text = _text(page)
    assert SECRET.encode() not in text
    assert scenes.csr(challenge=SECRET)[:40] not in text
    assert b"messageData was decrypted, and is not in this file." in text
    (exchange, _) = exchanges_in(page)[2]
    assert [b["title"] for part in exchange["request"] for b in part.get("view", {}).get("buffers", [])] == [
        "pkiMessage"
    ]
    shown, words = inspector_page(_capture(secrets=True))
    assert words.startswith("Secrets are shown: this file has 2 decrypted layers,")
    assert words in shown
    assert SECRET.encode() in _text(shown)


def test_the_page_of_a_capture_without_keys_has_no_secrets_to_leave_out() -> None:
    """Nothing was decrypted."""
    items = decode_exchanges([scenes.posted(scenes.request())], NO_MATERIALS)
    words = "Secrets are masked. Messages are as captured: whoever has the key of a recipient can open them."
    assert inspector_page(analyse(items))[1] == words
    assert inspector_page(_analysis(scenes.caps()))[1] == "Secrets are masked."


def test_bytes_with_a_password_in_clear_are_left_out() -> None:
    """A request that is not encrypted: a PKCS#10 alone, and one in a SignedData without an envelope."""
    naked = scenes.csr(challenge=SECRET)
    attributes = sceplab.ScepAttributes("19", "T1", bytes(16))
    draft = sceplab.draft_message(attributes, None, signer_certificate=scenes.device_certificate(), recipients=[])
    message = sceplab.encode_message(replace(draft, content=naked), key("r3"))
    for exchange in (scenes.got(naked), scenes.got(message), scenes.posted(message)):
        page, words = inspector_page(_analysis(exchange))
        assert words == "Secrets are masked: the bytes of 1 message with a challengePassword in clear are left out."
        text = _text(page)
        assert SECRET.encode() not in text
        assert b"these bytes have a challengePassword in clear." in text
        assert base64.b64encode(SECRET.encode())[:-4] not in text
        shown, _ = inspector_page(_analysis(exchange, secrets=True))
        assert SECRET.encode() in _text(shown)


def test_a_report_has_nothing_that_could_be_decrypted() -> None:
    """Of every message of the real captures: neither ciphertext nor encrypted keys, also in base64 and in segments."""
    seen = 0
    for folder in [DATA / "specimen", *capture_folders()]:
        report = report_page(analyse(decoded(folder), materials(folder)))
        text = _text(report)
        for message in messages(folder):
            if message.enveloped is None:
                continue
            seen += 1
            closed = message.enveloped.encrypted_content
            keys = [r.encrypted_key for r in message.enveloped.recipients if not isinstance(r, OtherRecipient)]
            assert closed
            assert keys
            for secret in (closed, *keys):
                assert secret[16:48] not in text
                assert not any(base64.b64encode(secret[s:])[4:40] in text for s in (16, 17, 18))
        assert ("their bytes are zeros here" in report) is any(m.enveloped for m in messages(folder))
    assert seen > 8


def test_blanked_layers_keep_their_offsets() -> None:
    """Of DER, of BER in segments, and of base64 text: as long as before, zeros in the ciphertext alone."""
    whole = messages(DATA / "specimen")[0]
    for raw in (whole.raw, as_ber(whole.raw)):
        message = sceplab.decode_message(raw, keys=[key("ca")])
        layers = without_secrets(layers_of(message, base64.b64encode(raw).decode()))
        made = blanked(layers)
        assert [len(layer.data) for layer in made] == [len(layer.data) for layer in layers]
        assert base64.b64decode(made[0].data) == made[1].data
        different = [i for i, (a, b) in enumerate(zip(made[1].data, raw, strict=True)) if a != b]
        assert 800 < len(different) < 1100
        assert not any(made[1].data[i] for i in different)
        assert message.signed.signer_info is not None
        assert message.signed.signer_info.signature in made[1].data


def test_layers_without_secrets() -> None:
    """What was decrypted goes; all goes where a challengePassword is in clear."""
    (message,) = messages(DATA / "specimen")[:1]
    layers = layers_of(message)
    assert [layer.made for layer in layers] == [Made.GIVEN, Made.DECRYPTED]
    assert without_secrets(layers) == layers[:1]
    assert without_secrets(layers[1:]) == ()
    assert without_secrets((replace(layers[1], made=Made.GIVEN),)) == ()


def test_one_view_is_saved_without_secrets() -> None:
    """A viewer without its decrypted layer; where nothing is left, an error says what to do."""
    message = messages(DATA / "specimen")[0]
    layers = layers_of(message)
    page = viewer_page(layers, message, Kept(title="</title><b>", selected=[1, 0], lit=6))
    assert "<title>&lt;/title&gt;&lt;b&gt;</title>" in page
    (part,) = exchanges_in(page)[0][0]["request"]
    assert (part["head"], part["view"]["selected"], part["view"]["lit"]) == ("Left out:", [], -1)
    assert len(part["view"]["buffers"]) == 1
    whole = viewer_page(layers, message, Kept(selected=[1, 0], lit=6, editable=True), show_secrets=True)
    (part,) = exchanges_in(whole)[0][0]["request"]
    assert (part["head"], part["view"]["selected"], part["view"]["lit"]) == ("", [1, 0], 6)
    assert part["view"]["without"].startswith("What if")
    with pytest.raises(InputError, match=r"challengePassword in clear.*show_secrets=True"):
        viewer_page((replace(layers[1], made=Made.GIVEN, parent=None),), None, Kept())
    naked = scenes.csr(challenge=SECRET)
    root = compare(naked, naked, "CertificationRequest")
    with pytest.raises(InputError, match="show_secrets=True"):
        difference_page(naked, naked, ("a", "b"), root)
    assert SECRET.encode() in _text(difference_page(naked, naked, ("a", "b"), root, show_secrets=True))


# ---------------------------------------------------------- bounds


def test_what_has_no_room_is_left_out_and_said() -> None:
    """Those with a cause come first; the ladder has all."""
    refused = scenes.posted(scenes.request(), scenes.reply("2", fail="2"))
    exchanges = [scenes.caps() for _ in range(40)] + [refused]
    page, words = inspector_page(_analysis(*exchanges), room=2000)
    assert "The layers of 41 of 41" not in words
    held = exchanges_in(page)
    assert 40 in held
    index = json.loads(unpacked(page)[0])
    assert len(index["ladder"]["arrows"]) == 82
    assert index["first"]["exchange"] == 40


def test_a_page_stays_small_and_so_does_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """When packs are full, no more exchanges are packed; a report has less room than a page."""
    monkeypatch.setattr("sceplab.views.packing._PACK", 1)
    monkeypatch.setattr("sceplab.views.page.ROOM_IN_REPORT", 3000)
    analysis = _analysis(*(scenes.posted(scenes.request(), scenes.reply("2", fail="2")) for _ in range(4)))
    report = report_page(analysis)
    assert len(exchanges_in(report)) == 1
    assert "The layers of 1 of 4 exchanges are in this file." in report
    assert len(exchanges_in(inspector_page(analysis)[0])) == 4


def test_one_message_that_is_too_large_is_left_out() -> None:
    """It says so in its place; the others are there."""
    large = scenes.reply(issued=[certificate("ca")] * 30)
    analysis = _analysis(scenes.posted(scenes.request(), large))
    page, _ = inspector_page(analysis, room=len(large))
    exchange, _ = exchanges_in(page)[0]
    assert "view" in exchange["request"][-1]
    assert exchange["reply"][-1]["text"] == f"{len(large):,} bytes are too many for this file."


def test_of_many_certificates_the_first_are_shown() -> None:
    """A viewer for each of thousands would be no page to look at."""
    page, _ = inspector_page(_analysis(scenes.ca(*([certificate("ca")] * 25))))
    parts = exchanges_in(page)[0][0]["reply"]
    assert sum("view" in part for part in parts) == 20
    assert parts[-1]["text"] == "... and 5 more certificates"


def test_the_layers_of_an_exchange_cost_little() -> None:
    """Beside script and style: less than twice the bytes of the messages, in base64, in a capture of alike ones."""
    analysis = _analysis(*(scenes.posted(scenes.request(), scenes.reply()) for _ in range(12)))
    raw = sum(len(m.raw) for d in analysis.decoded for m in (d.request, d.reply) if m is not None)
    page, _ = inspector_page(analysis)
    packed = sum(map(len, re.findall(r'class="sceplab-pack">([^<]*)', page)))
    assert 1000 < packed < 2 * raw


# ---------------------------------------------------------- hostile text


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_a_capture_is_text(kind: str) -> None:
    """In names, a path, a reason phrase, a header, a transactionID, failInfoText and the name of the input."""
    request = scenes.request(scenes.csr(subject="device"), transaction=kind.encode("ascii", "ignore").decode())
    refusal = scenes.reply("2", fail="2", text=kind, transaction=kind.encode("ascii", "ignore").decode())
    page = HttpReply(500, (("Content-Type", kind), ("Server", kind)), f"{kind} access denied".encode(), kind)
    exchanges = [
        scenes.posted(request, refusal),
        scenes.sent(f"/{kind}?operation={kind}&message={kind}", page),
        replace(scenes.caps(kind), client=kind, server=kind, source=kind),
    ]
    analysis = _analysis(*exchanges)
    for html in (inspector_page(analysis)[0], report_page(analysis)):
        body = still_part(html).partition("<body>")[2].partition("</body>")[0].replace("<br>", "")
        assert_harmless(re.sub("</?h[12]>", "", body))
        assert len(exchanges_in(html)) == 3
        assert html.count("<script") == html.count("</script>") == 2 + len(unpacked(html)) - 1


def test_a_page_without_a_live_part_has_no_script() -> None:
    """The same report as plain HTML."""
    page = html_page("<x>", "<p>y</p>")
    assert "<script" not in page
    assert "script-src" not in page
    assert "<h1>&lt;x&gt;</h1>" in page


def test_the_causes_lead_to_their_exchanges() -> None:
    """The place of each cause has the number of its exchange; in the notebook it is text alone."""
    folder = next(f for f in capture_folders() if f.name == "micromdm-wrongchallenge")
    analysis = analyse(decoded(folder), materials(folder))
    page, _ = inspector_page(analysis)
    numbers = re.findall(r'<span data-exchange="(\d+)">\[\1\]', page)
    assert numbers == [str(c.exchange) for c in analysis.causes if c.exchange is not None]
    assert numbers
    assert "data-exchange" not in to_html(analysis)


def test_a_log_without_an_exchange_gives_a_page() -> None:
    """There is nothing to select: the page has no script."""
    page, words = inspector_page(analyse([]))
    assert words == ""
    assert "No exchange." in page
    assert "<script" not in page
    assert "No exchange." in report_page(analyse([]))
