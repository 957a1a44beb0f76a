"""The notebooks in a real JupyterLab: Run All succeeds, views and cells share a selection, exercises respond."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import sceplab
from sceplab.asn1 import oids
from sceplab.widgets import show
from tests.browser.notebook import (
    PATIENCE,
    clear_outputs,
    open_notebook,
    run_all,
    run_cell,
    screenshot,
    wait_for_kernel,
)
from tests.helpers.captures import key, needs
from tests.helpers.certificates import make_crl
from tests.helpers.notebooks import write_notebook
from tools.notebooks import sources

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("name", [s.stem for s in sources()])
def test_run_all_is_clean(page: Page, lab: str, name: str) -> None:
    """Every cell runs, in order, and none fails."""
    open_notebook(page, lab, name)
    clear_outputs(page)
    expect(page.get_by_text("Not attempted yet")).to_have_count(0)
    assert len(run_all(page)) >= 8
    expect(page.get_by_text("Not attempted yet").first).to_be_visible(timeout=PATIENCE)
    screenshot(page, name)


_FIRST = """
from sceplab import decode_message
from sceplab.scep import transport
from sceplab.capture import read_capture
from sceplab.scep.conversation import Materials
from sceplab.files import load_certificates, load_private_keys
from sceplab.widgets import show, show_differences, what_if
(exchange,) = read_capture("../data/specimen/capture.pcap")
held = Materials(tuple(load_private_keys("../data/specimen/ca.key.pem")), load_certificates("../data/specimen/ca.pem"))
message = decode_message(transport.parse_request(exchange.request).message, keys=held.keys, trust=held.trust)
"""


def _chosen(view: Locator) -> Locator:
    return view.locator("[role=treeitem][aria-selected=true]")


# The lowest contrast among selected, marked and checked elements, as WCAG 2 computes it (AA: 4.5).
_CONTRAST = """() => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (colours) => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) =>
            v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const worst = [];
    const marked = '[role=treeitem] :is(b, code, .sceplab-section), .sceplab-hexes span, .sceplab-mark, '
        + '.sceplab-crumb, .sceplab-fact, .sceplab-chip, .sceplab-status, '
        + '.sceplab-finding, .sceplab-changed, .sceplab-checks td, .sceplab-count, [role=gridcell]';
    for (const one of document.querySelectorAll(`.sceplab-viewer :is(${marked})`)) {
        const ground = [];
        for (let up = one; up; up = up.parentElement) ground.unshift(getComputedStyle(up).backgroundColor);
        const a = light(ground), b = light([...ground, getComputedStyle(one).color]);
        worst.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
    }
    return worst.length > 5 ? Math.min(...worst) : 0;
}"""


def test_viewer_and_cells_share_the_selection(page: Page, lab: str, lab_root: Path) -> None:
    """A cell reads a selection and sets it in both views. Keys, dark theme and a new kernel are tested as well."""
    write_notebook(lab_root, "talk", _FIRST + "viewer = show(message, open_depth=3)\nviewer", "viewer.path", "viewer")
    open_notebook(page, lab, "talk")
    run_all(page)
    views = page.locator(".sceplab-viewer")
    expect(views).to_have_count(2, timeout=PATIENCE)
    views.first.get_by_text("digestAlgorithms", exact=True).click()
    expect(_chosen(views.last)).to_contain_text("digestAlgorithms")
    expect(run_cell(page, 1)).to_contain_text("'content.digestAlgorithms'", timeout=PATIENCE)
    run_cell(page, 1, "print(viewer.select('senderNonce').raw.hex(), viewer.selection.start)")
    expect(page.locator(".jp-OutputArea", has_text="041000010203")).to_be_visible(timeout=PATIENCE)
    for view in views.all():
        expect(_chosen(view)).to_contain_text("senderNonce OCTET STRING 00 01 02")
    # In command mode "d d" deletes a cell, "x" cuts it and "a" inserts one. Inside the viewer they must not.
    views.first.get_by_role("tree").focus()
    for press in ("d", "d", "x", "a", "b", "ArrowDown", "ArrowUp", "m", "z"):
        page.keyboard.press(press)
    expect(page.locator(".jp-CodeCell")).to_have_count(3)
    # Escape leaves the viewer: the notebook gets the keys again.
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.closest('.sceplab-viewer')") is None
    page.keyboard.press("b")
    expect(page.locator(".jp-CodeCell")).to_have_count(4)
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(".jp-CodeCell")).to_have_count(3)
    views.first.get_by_role("button", name="✓ signature", exact=True).click()
    expect(views.last.locator("[role=treeitem].sceplab-region").first).to_be_visible()
    screenshot(page, "viewer")
    back = "() => getComputedStyle(document.querySelector('.sceplab-viewer')).backgroundColor"
    light = page.evaluate(back)
    assert page.evaluate(_CONTRAST) >= 4.5
    theme = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    page.evaluate(theme, "JupyterLab Dark")
    page.wait_for_function(f"(light) => ({back})() !== light", arg=light, timeout=PATIENCE)
    splash = page.locator("#jupyterlab-splash")
    expect(splash).to_have_count(0, timeout=PATIENCE)
    screenshot(page, "viewer-dark")
    assert page.evaluate(_CONTRAST) >= 4.5
    page.evaluate(theme, "JupyterLab Light")
    expect(splash).to_have_count(0, timeout=PATIENCE)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    wait_for_kernel(page)
    views.first.get_by_role("button", name="EnvelopedData").click()
    expect(_chosen(views.first)).to_contain_text("EnvelopedData")
    expect(_chosen(views.last)).to_contain_text("EnvelopedData")
    run_all(page)
    expect(page.locator(".jp-OutputArea", has_text="041000010203")).to_be_visible(timeout=PATIENCE)
    expect(_chosen(page.locator(".sceplab-viewer").first)).to_contain_text("senderNonce", timeout=PATIENCE)


_SHOWN = f"""{_FIRST}
import time
from pathlib import Path
from IPython.display import display
from sceplab.scep.conversation import decode_exchanges
from sceplab.widgets import Ladder
viewer, ladder = show(message, open_depth=4, wrappers=True), Ladder(decode_exchanges([exchange]))
diff = show_differences(message.raw, message.raw[:-1] + b"?")
display(viewer, ladder, diff)
"""
# Keep the kernel busy until the test creates a file: a fixed time would make the test flaky.
_BUSY = """
while not Path("gate").exists():
    time.sleep(0.01)
Path("gate").unlink()
"""
_ASKED = "print(viewer.path, ladder.selected, diff.selected)"


def _select_quickly(page: Page, name: str, side: str, row: int) -> None:
    """Select this message, arrow and row in the three views, each after other selections."""
    viewer = page.locator(".sceplab-viewer").first
    for text in ("contentType", "certificates", name):
        viewer.get_by_role("treeitem").get_by_text(text, exact=True).click()
    for label in ("CertRep", side):
        page.get_by_role("option", name=label).click()
    page.get_by_role("treegrid").focus()
    for press in ("Home", *["ArrowDown"] * row):
        page.keyboard.press(press)


def test_a_cell_sees_the_selection_made_before_it_ran(page: Page, lab: str, lab_root: Path) -> None:
    """While the kernel is busy, the user selects several times and runs a cell. The cell sees the last selection."""
    write_notebook(lab_root, "busy", _SHOWN, _BUSY, _ASKED)
    open_notebook(page, lab, "busy")
    run_cell(page, 0)
    expect(page.get_by_role("treegrid")).to_be_visible(timeout=PATIENCE)
    # Repeat it: after its first reply the kernel may handle messages of views in another way.
    for name, side, row, seen in (
        ("digestAlgorithms", "PKCSReq", 2, "content.digestAlgorithms {'exchange': 0, 'side': 'request'} 2"),
        ("signerInfos", "CertRep", 3, "content.signerInfos {'exchange': 0, 'side': 'reply'} 3"),
    ):
        run_cell(page, 1)
        _select_quickly(page, name, side, row)
        out = run_cell(page, 2)
        (lab_root / "notebooks" / "gate").touch()
        expect(out).to_contain_text(seen, timeout=PATIENCE)


def test_a_cell_waits_for_earlier_messages_of_views(page: Page, lab: str, lab_root: Path) -> None:
    """The kernel handles messages of a view before a cell that is run after them, even if the handlers are slow."""
    slow = "_ = [view.on_msg(lambda *_: time.sleep(0.5)) for view in (viewer, ladder, diff)]"
    write_notebook(lab_root, "slow", _SHOWN, slow, _ASKED)
    open_notebook(page, lab, "slow")
    run_cell(page, 0)
    expect(page.get_by_role("treegrid")).to_be_visible(timeout=PATIENCE)
    _select_quickly(page, "digestAlgorithms", "PKCSReq", 2)
    out = run_cell(page, 2)
    expect(out).to_contain_text("content.digestAlgorithms {'exchange': 0, 'side': 'request'} 2", timeout=PATIENCE)
    run_cell(page, 1)
    _select_quickly(page, "signerInfos", "CertRep", 3)
    out = run_cell(page, 2)
    expect(out).to_contain_text("content.signerInfos {'exchange': 0, 'side': 'reply'} 3", timeout=PATIENCE)


def test_names_of_a_large_file_are_loaded_on_demand(page: Page, lab: str, lab_root: Path) -> None:
    """For a CRL of one megabyte the kernel sends only the names of the rows in view."""
    (lab_root / "notebooks" / "large.crl").write_bytes(make_crl(25_000))
    text = "from pathlib import Path\nfrom sceplab.widgets import show\n"
    text += "viewer = show(Path('large.crl').read_bytes(), 'CertificateList', open_depth=4)\nviewer"
    write_notebook(lab_root, "large", text, "(len(viewer.labels[0]), viewer.path)")
    open_notebook(page, lab, "large")
    run_all(page)
    tree = page.locator(".sceplab-viewer").get_by_role("tree")
    expect(tree).to_be_visible(timeout=PATIENCE)
    tree.focus()
    page.keyboard.press("End")
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    expect(_chosen(page.locator(".sceplab-viewer"))).to_contain_text("userCertificate", timeout=PATIENCE)
    out = run_cell(page, 1)
    expect(out).to_contain_text("revokedCertificates.revokedCertificate[24999].userCertificate", timeout=PATIENCE)
    assert int(out.inner_text().split("(")[1].split(",")[0]) < 500


_RELAY = """
from sceplab.lab.client import ScepClient
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.relay import Relay
from sceplab import parse_subject
from sceplab.widgets import LabView
device = new_key()
lab = Lab(challenge="right").start()
lab.keys.append(device)
relay = Relay(lab.ca_url, name="the server", materials=lab.materials()).start()
LabView(relay)
"""
_THROUGH = """
request = make_request(parse_subject("CN=live"), device, challenge="wrong")
print(ScepClient(relay.url).enroll(request, device).status.name)
"""


def test_a_relay_is_shown_live(page: Page, lab: str, lab_root: Path) -> None:
    """What passes after the view was shown appears: the ladder, the verdict, and a message that a click opens."""
    write_notebook(lab_root, "relay", _RELAY, _THROUGH, "relay.stop(); lab.stop()")
    open_notebook(page, lab, "relay")
    expect(run_cell(page, 0).get_by_text("Relay (give clients this URL)")).to_be_visible(timeout=PATIENCE)
    output = page.locator(".jp-CodeCell").first.locator(".jp-OutputArea")
    expect(run_cell(page, 1)).to_contain_text("FAILURE", timeout=PATIENCE)
    refused = output.get_by_role("option", name="CertRep FAILURE badRequest")
    expect(refused).to_be_visible(timeout=PATIENCE)
    expect(output.locator("pre", has_text="challengePassword").first).to_be_visible(timeout=PATIENCE)
    output.get_by_role("option", name="POST PKCSReq").click()
    onion = output.locator(".sceplab-viewer")
    expect(onion.get_by_role("button", name="CertificationRequest")).to_be_visible(timeout=PATIENCE)
    output.scroll_into_view_if_needed()
    screenshot(page, "relay")
    assert _fits(output.locator(".widget-vbox").first)
    run_cell(page, 2)
    expect(output.get_by_text("The relay is not running.")).to_be_visible(timeout=PATIENCE)


def test_an_edit_marks_the_broken_check(page: Page, lab: str, lab_root: Path) -> None:
    """Overwrite a byte: the kernel repeats all checks and marks the signature check. Undo reverts it."""
    lines = "w = what_if(message, held)\nw.select('transactionID')\nw"
    write_notebook(lab_root, "red", _FIRST + lines, "w.broke", "show_differences(message.raw, w.octets)")
    open_notebook(page, lab, "red")
    run_all(page)
    view = page.locator(".sceplab-viewer").first
    expect(view.locator(".sceplab-checks tbody tr")).to_have_count(13, timeout=PATIENCE)
    expect(view.locator(".sceplab-turned")).to_have_count(0)
    view.locator(".sceplab-octets").focus()
    for press in ("ArrowRight", "ArrowRight", "f", "f"):
        page.keyboard.press(press)
    expect(view.locator(".sceplab-turned")).to_contain_text("signature", timeout=PATIENCE)
    screenshot(page, "what-if")
    expect(run_cell(page, 1)).to_contain_text("('signature',)", timeout=PATIENCE)
    expect(run_cell(page, 2).locator("[role=treegrid]")).to_contain_text("transactionID", timeout=PATIENCE)
    screenshot(page, "differences")
    assert page.evaluate(_CONTRAST) >= 4.5
    view.get_by_role("button", name="Undo").click()
    expect(view.locator(".sceplab-turned")).to_have_count(0, timeout=PATIENCE)
    view.get_by_label("New content").fill("00")
    view.get_by_role("button", name="Change").click()
    expect(view.locator(".sceplab-turned")).to_contain_text("signature", timeout=PATIENCE)


def test_a_notebook_shows_static_html_until_it_is_run(page: Page, lab: str) -> None:
    """A freshly cloned, untrusted notebook shows the tree as HTML that unfolds and gives each element's header."""
    open_notebook(page, lab, "00-start-here")
    stills = page.locator(".jp-RenderedHTMLCommon details")
    expect(stills.first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".sceplab-viewer")).to_have_count(0)
    nonce = page.locator("details", has=page.locator("> summary", has_text=re.compile(r"^senderNonce")))
    expect(nonce.locator("> pre").first).to_be_hidden()
    page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")
    expect(nonce.locator("> pre").first).to_contain_text("04 10: OCTET STRING, primitive, length = 16")
    expect(nonce.locator("> pre").first).to_contain_text("00 01 02 03 04 05")
    nonce.locator("> summary").first.scroll_into_view_if_needed()
    screenshot(page, "still")


def test_markup_in_static_html_is_escaped(page: Page, lab: str, lab_root: Path) -> None:
    """A subject with markup, in an untrusted notebook, is shown as text and not run."""
    hostile = '<script>window.bad=1</script></pre></details><img src=x onerror="window.bad=1">\u202egpj.\x07'
    name = sceplab.build_name([[sceplab.NameAttribute(oids.COMMON_NAME, hostile, "UTF8String")]])
    view = show(sceplab.build_csr(name, key("r3")), "CertificationRequest", open_depth=9, title=hostile)
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    data = {k: v for k, v in bundle[0].items() if k.startswith("text/")}
    write_notebook(lab_root, "hostile", "1", output={"output_type": "display_data", "metadata": {}, "data": data})
    open_notebook(page, lab, "hostile")
    still = page.locator(".jp-RenderedHTMLCommon")
    expect(still.get_by_text("<script>window.bad=1</script></pre></details>").first).to_be_visible(timeout=PATIENCE)
    screenshot(page, "hostile-still")
    assert still.locator("img, script").count() == 0
    assert page.evaluate("() => window.bad") is None
    text = still.inner_text()
    assert text.count("\\u202e") >= 2
    assert not {"\u202e", "\x07"} & set(text)


def test_an_exercise_checks_the_answer(page: Page, lab: str) -> None:
    """A wrong answer gets an explanation, and the right one is accepted."""
    open_notebook(page, lab, "00-start-here")
    run_all(page)
    expect(page.get_by_text("Not attempted yet").first).to_be_visible(timeout=PATIENCE)
    cells = page.locator(".jp-CodeCell")
    # Find the cell by its number, since its text changes below.
    cell = cells.nth(next(i for i in range(cells.count()) if "one.check(" in cells.nth(i).inner_text()))
    for typed, word in (("len(message.raw)", "the size of the whole message"), ("eval(one.code)", "Right")):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(f"one.check({typed})")
        page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-OutputArea")).to_contain_text(word, timeout=PATIENCE)


_STARTED = "view = LabView(lab)"
_ASK = """
r3_key = new_key(2048)
lab.keys.append(r3_key)
client = lab.client()
asked = client.enroll(make_request(sceplab.parse_subject('CN=live'), r3_key), r3_key)
print(asked.status.name)
"""

_STOP = """
url = lab.ca_url
lab.stop()
print([t.name for t in threading.enumerate() if 'sceplab' in t.name])
try:
    requests.get(url, timeout=5)
except requests.ConnectionError:
    print("refused")
"""


def _typed(page: Page, number: int, text: str) -> Locator:
    """Put these lines into a cell unchanged, run it, and return its output."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")
    return cell.locator(".jp-OutputArea")


# Set the text directly: typed by Playwright, the lines would get the editor's own indents.
_TO_STOP = """() => {
    for (const { model } of window.jupyterapp.shell.currentWidget.content.widgets) {
        const text = model.sharedModel.getSource();
        if (text.includes("STOP = False")) model.sharedModel.setSource(text.replace("STOP = False", "STOP = True"));
    }
}"""


def _cell_with(page: Page, text: str) -> int:
    cells = page.locator(".jp-CodeCell")
    return next(i for i in range(cells.count()) if text in cells.nth(i).inner_text())


def _fits(view: Locator) -> bool:
    """Whether nothing in the view is wider than the view, which would hide a part of it."""
    return bool(view.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1"))


def test_notebook_07_enrolls_with_a_live_lab(page: Page, lab: str, lab_root: Path) -> None:
    """Run All, start the lab again, grant a pending request, open messages of the ladder, and stop the lab."""
    # Run a copy: with the kernel of another test of the same notebook, its execution count would continue.
    shutil.copy(lab_root / "notebooks" / "07-enroll-for-real.ipynb", lab_root / "notebooks" / "live.ipynb")
    # The test has three parts. Each needs the state that the one before it leaves.
    output, other = _start_again(page, lab)
    _grant(page, output, other)
    _look(page, output)
    # No thread is left, and the port is closed.
    stopped = _typed(page, other, _STOP)
    expect(stopped).to_contain_text("[]", timeout=PATIENCE)
    expect(stopped).to_contain_text("refused", timeout=PATIENCE)
    expect(output.get_by_text("The lab is not running.").first).to_be_visible(timeout=PATIENCE)


def _start_again(page: Page, lab: str) -> tuple[Locator, int]:
    """Run All, stop the lab and start a new one.

    Returns the output with the new lab's view, and the number of a cell that the test can overwrite.
    """
    open_notebook(page, lab, "live")
    clear_outputs(page)
    run_all(page)
    start = _cell_with(page, _STARTED)
    output = page.locator(".jp-CodeCell").nth(start).locator(".jp-OutputArea")
    # Run All leaves the lab running and its ladder at the newest message. The decisions include a grant by a person.
    expect(output.get_by_text("R1 (CA): http://127.0.0.1")).to_be_visible(timeout=PATIENCE)
    expect(output.get_by_text("a person").first).to_be_visible()
    last = page.locator(".sceplab-rungs").last
    last.scroll_into_view_if_needed()
    expect(last.get_by_role("option", name="CertRep SUCCESS").last).to_be_in_viewport(timeout=PATIENCE)
    expect(last.get_by_role("option").first).not_to_have_attribute("aria-posinset", "1")
    stop = _cell_with(page, "STOP = False")
    page.evaluate(_TO_STOP)
    run_cell(page, stop)
    # Now the view says that the lab is not running; the view of the new lab shows no old requests.
    expect(output.get_by_text("The lab is not running.").first).to_be_visible(timeout=PATIENCE)
    run_cell(page, start)
    expect(output.get_by_text("No pending requests.")).to_be_visible(timeout=PATIENCE)
    expect(output.get_by_text("R2 (RA): not started.")).to_be_visible()
    return output, _cell_with(page, "for waiting in lab.ca.pending():")


def _grant(page: Page, output: Locator, other: int) -> None:
    """Enroll from a cell and from the form, press Grant, and check that both get their certificates."""
    # The queue updates without a click on Refresh.
    expect(_typed(page, other, _ASK)).to_contain_text("PENDING", timeout=PATIENCE)
    row = output.locator(".widget-box", has=page.get_by_role("button", name="Grant")).last
    expect(row).to_contain_text("CN=live", timeout=PATIENCE)
    expect(row).to_contain_text("its own key")
    expect(output.get_by_role("option", name="CertRep PENDING")).to_be_visible()
    output.scroll_into_view_if_needed()
    screenshot(page, "lab-pending")
    row.get_by_role("button", name="Grant").click()
    expect(output.get_by_text("No pending requests.")).to_be_visible(timeout=PATIENCE)
    _typed(page, other, "print(client.poll(asked).certificate.subject)")
    expect(page.locator(".jp-CodeCell").nth(other).locator(".jp-OutputArea")).to_contain_text("CN=live")
    expect(output.get_by_role("option", name="CertRep SUCCESS")).to_be_visible(timeout=PATIENCE)
    # The same with the form: enroll, wait for approval, poll.
    output.get_by_label("Subject").fill("CN=form,O=Lab")
    output.get_by_role("button", name="Enroll").click()
    expect(output.get_by_text("PENDING: O=Lab,CN=form awaits approval.")).to_be_visible(timeout=PATIENCE)
    output.get_by_role("button", name="Grant").click(timeout=PATIENCE)
    expect(output.get_by_text("No pending requests.")).to_be_visible(timeout=PATIENCE)
    output.get_by_role("button", name="Poll").click()
    expect(output.get_by_text("SUCCESS: a certificate for O=Lab,CN=form, issued by CN=R1.")).to_be_visible(
        timeout=PATIENCE
    )
    expect(output.get_by_text("Issued: O=Lab,CN=form")).to_be_visible()


def _look(page: Page, output: Locator) -> None:
    """Click on arrows and check the layers shown below; repeat in the dark theme and on a narrow page."""
    expect(output.locator(".sceplab-viewer")).to_have_count(0)
    output.get_by_role("option", name="POST PKCSReq").first.click()
    onion = output.locator(".sceplab-viewer")
    expect(onion).to_have_count(1, timeout=PATIENCE)
    expect(onion.get_by_role("button", name="CertificationRequest")).to_be_visible()
    output.get_by_role("option", name="CertRep SUCCESS").last.click()
    expect(onion.get_by_role("button", name="CertificationRequest")).to_have_count(0, timeout=PATIENCE)
    expect(onion).to_have_count(1)
    onion.scroll_into_view_if_needed()
    screenshot(page, "lab-onion")
    view = output.locator(".widget-vbox").first
    view.scroll_into_view_if_needed()
    screenshot(page, "lab")
    assert _fits(view)
    theme = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    page.evaluate(theme, "JupyterLab Dark")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=PATIENCE)
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'", timeout=PATIENCE)
    expect(onion.get_by_role("treeitem").first).to_be_visible(timeout=PATIENCE)
    screenshot(page, "lab-dark")
    page.evaluate(theme, "JupyterLab Light")
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'true'", timeout=PATIENCE)
    page.set_viewport_size({"width": 620, "height": 1000})
    view.scroll_into_view_if_needed()
    screenshot(page, "lab-narrow")
    assert _fits(view)
    page.set_viewport_size({"width": 1280, "height": 900})
