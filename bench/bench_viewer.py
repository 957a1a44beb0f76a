"""Speed of the viewer: the scanner, the names, and painting a page in Chromium.

Run by `make bench`. The scanner's figure is a ratio to a flat loop of the same run
that only steps over tags and lengths. The page is timed in the browser from the
arrival of the data until it is painted. Goals in milliseconds are for a desktop
machine; a missed goal is reported and is not an error.
"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sceplab import schema  # noqa: E402 - the tests are beside the package
from sceplab.asn1.scan import scan  # noqa: E402
from sceplab.widgets import Asn1Viewer, show  # noqa: E402
from tests.helpers.captures import DATA, messages  # noqa: E402
from tests.helpers.certificates import make_crl  # noqa: E402


def flat(data: bytes) -> int:
    """Step over definite lengths and fill the same columns: the minimum work of a scan. Return the element count."""
    starts, contents, ends, parents, depths = array("I"), array("I"), array("I"), array("i"), array("H")
    limit, pos, parent, count = len(data), 0, -1, 0
    stack: list[tuple[int, int]] = []
    while pos < len(data):
        while pos >= limit:
            limit, parent = stack.pop()
        tag, length, here = data[pos], data[pos + 1], pos + 2
        if length >= 0x80:
            octets = length & 0x7F
            length = int.from_bytes(data[here : here + octets], "big")
            here += octets
        starts.append(pos)
        contents.append(here)
        ends.append(here + length)
        parents.append(parent)
        depths.append(len(stack))
        if tag & 0x20:
            stack.append((limit, parent))
            limit, parent, pos = here + length, count, here
        else:
            pos = here + length
        count += 1
    return count


def timed(work: Callable[[], object], rounds: int) -> float:
    """Return the median time of `rounds` calls in milliseconds."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return median(times)


def goal(met: bool, text: str) -> None:  # noqa: FBT001
    """Print a line if a goal is missed."""
    if not met:
        print(f"  goal missed: {text}")


def bench_scan(name: str, data: bytes, rounds: int) -> None:
    """Time `scan` and the flat loop, and print the ratio. Exits if their element counts differ."""
    nodes = len(scan(data))
    if nodes != flat(data):
        raise SystemExit(f"{name}: scan found {nodes} elements, the flat loop {flat(data)}")
    floor, ours = timed(lambda: flat(data), rounds), timed(lambda: scan(data), rounds)
    print(f"scan {name:10} {nodes:9} elements  {ours:9.3f} ms   {ours / floor:5.2f} x flat loop ({floor:.3f} ms)")
    goal(ours / floor <= 2, "at most 2 x")


def bench_page(views: dict[str, tuple[Asn1Viewer, int]]) -> None:
    """Measure painting and selecting in Chromium. `views` maps a name to a viewer and its painting goal in ms."""
    from playwright.sync_api import sync_playwright

    from tests.browser.page import mount, open_page

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            viewport={"width": 1280, "height": 900},
        )
        for name, (view, limit) in views.items():
            page = context.new_page()
            open_page(page)
            mount(page, show(b"\x05\x00", "ANY"))  # compiles the script before the measured views
            painted = []
            for _ in range(5):
                page.evaluate("() => { window.close_view(); document.querySelector('#host').replaceChildren(); }")
                painted.append(mount(page, view))
            chosen = page.evaluate(_SELECT)
            elements = page.evaluate("() => document.querySelectorAll('#host *').length")
            print(
                f"page {name:10} painted {median(painted):7.1f} ms   select {median(chosen):5.1f} ms"
                f" (slowest {max(chosen):.1f})   {elements} elements in the page"
            )
            goal(median(painted) <= limit, f"painted in at most {limit} ms")
            goal(median(chosen) <= 16, "selected in at most 16 ms")
            goal(elements <= 500, "at most 500 elements")
            page.close()
        context.close()


# Times from setting the trait until layout is done, at offsets spread over the data.
_SELECT = """() => {
    const buffer = model.get('buffers').at(-1), out = [], index = model.get('buffers').length - 1;
    for (let n = 0; n < 40; n++) {
        const offset = Math.floor((buffer.length - 1) * ((n * 17) % 40) / 40), start = performance.now();
        model.set('selected', [index, offset]);
        document.body.offsetHeight;
        out.push(performance.now() - start);
    }
    return out;
}"""


def main() -> None:
    """Measure and print scanner, names and page."""
    message = messages(DATA / "specimen")[0]
    small, large = make_crl(25_000), make_crl(250_000)
    for name, data, rounds in (("message", message.raw, 200), ("1 MB CRL", small, 7), ("10 MB CRL", large, 3)):
        bench_scan(name, data, rounds)
    named = timed(lambda: [(n.name, n.value, n.findings) for n in schema.nodes_of(schema.describe(message.raw))], 50)
    print(f"names, values and findings of the whole message   {named:8.2f} ms")
    crl = timed(lambda: show(large, "CertificateList"), 3)
    print(f"show() of the 10 MB CRL (names of what is in sight) {crl:6.1f} ms")
    if shutil.which("chromium") is None:
        print("chromium is not installed: the page was not measured")
        return
    bench_page(
        {
            "message": (show(message, open_depth=9), 50),
            "1 MB CRL": (show(small, "CertificateList", open_depth=9), 100),
            "10 MB CRL": (show(large, "CertificateList", open_depth=9), 300),
        }
    )


if __name__ == "__main__":
    main()
