"""The JavaScript of the views without a browser: modules are joined to one script, and node runs their logic."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NotRequired, get_origin, get_type_hints

import pytest

from sceplab.asn1 import scan
from sceplab.schema import nodes_of, paths
from sceplab.views import state
from sceplab.views.folding import fold, shown
from sceplab.views.script import STATIC, join
from sceplab.widgets import Asn1Diff, Asn1Viewer, Ladder, show
from tests.browser.page import state_of
from tests.helpers.captures import DATA, as_ber, in_node, messages, needs, real_messages
from tests.helpers.certificates import make_crl

# A model with the state that Python sends.
_MODEL = """
    const data = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const model = { get: (name) => given[name]?.base64 === undefined ? given[name] : data(given[name].base64) };
    const { Content } = await load("viewer/content.js");
    const { Scene } = await load("viewer/scene.js");
    const scene = new Scene(model), content = scene.content;
"""


def _in_scene(view: Asn1Viewer, code: str) -> Any:
    """Run code in node with the `scene` of a view and its `content`."""
    return in_node(_MODEL + code, state_of(view))


# ---------------------------------------------------------- joining modules


def _write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text)
    return folder / "entry.js"


_ENTRY = 'import { f } from "./other.js";\nexport default { f };\n'


@needs("node")
def test_joined_modules_behave_like_the_originals(tmp_path: Path) -> None:
    """Each module keeps its own names and runs once, after its imports. Only the default export is exported."""
    entry = _write(
        tmp_path,
        entry='import {\n  f,\n  g,\n} from "./one.js";\nimport { log } from "./log.js";\n'
        "const own = 3;\nlog.push(own);\nexport default { call: () => [f(), g(), own, log] };\n",
        one='import { log } from "./log.js";\nconst own = 1;\nlog.push(own);\n'
        'export function f() { return own; }\nexport const g = () => "export default import";\nexport class C {}\n',
        log="export const log = [0];\nconst own = 2;\nlog.push(own);\n",
    )
    script = join(entry)
    assert re.findall(r"^export .*", script, re.MULTILINE) == ["export default module2;"]
    code = "return (await import('data:text/javascript,' + encodeURIComponent(given))).default.call();"
    assert in_node(code, script) == [1, "export default import", 3, [0, 2, 1, 3]]


@pytest.mark.parametrize(
    ("entry", "other", "error"),
    [
        (_ENTRY, "export const g = 1;\n", "imports f, which ./other.js does not export"),
        (
            _ENTRY,
            'import { x } from "./entry.js";\nexport const f = 1;\n',
            "entry.js imports itself, by entry.js, other",
        ),
        (_ENTRY, "const f = 1;\nexport { f };\n", "cannot be joined: export { f }"),
        (_ENTRY, "export const f = 1;\nexport default f;\n", "cannot be joined: export default f"),
        (_ENTRY, "export const f = 1;\nexport let g = 2;\n", "cannot be joined: export let g"),
        ('import * as all from "./other.js";\nexport default all;\n', "", "cannot be joined: import"),
        ('import { f as g } from "./other.js";\nexport default g;\n', "export const f = 1;\n", "does not export"),
        ('import { f } from "library";\nexport default f;\n', "", "cannot be joined: import"),
        ("export const f = 1;\n", "", "one `export default`"),
    ],
)
def test_modules_that_cannot_be_joined_are_refused(tmp_path: Path, entry: str, other: str, error: str) -> None:
    """The module has an unsupported form of import or export, or imports a missing name."""
    with pytest.raises(ValueError, match=re.escape(error)):
        join(_write(tmp_path, entry=entry, other=other))


@needs("node")
@pytest.mark.parametrize("view", [Asn1Viewer, Asn1Diff, Ladder])
def test_the_scripts_of_the_views_load(view: type[Asn1Viewer | Asn1Diff | Ladder]) -> None:
    """Each script for anywidget is one module that exports `render` and imports nothing."""
    script = view._esm
    assert isinstance(script, str)
    assert "import " not in re.sub(r"/\*.*?\*/|//.*", "", script)
    code = "return typeof (await import('data:text/javascript,' + encodeURIComponent(given))).default.render;"
    assert in_node(code, script) == "function"


def test_python_and_javascript_share_the_state_fields() -> None:
    """Each TypedDict of state.py has a typedef in state.js with the same fields. A view's fields are its traits."""
    text = (STATIC / "state.js").read_text("utf-8")
    typedefs = {
        name: {field.strip("[]"): field.startswith("[") for field in re.findall(r"@property \{.*\} (\[?\w+\]?)", body)}
        for body, name in re.findall(r"/\*\*((?:(?!\*/).)*?@typedef \{object\} (\w+)(?:(?!\*/).)*)\*/", text, re.DOTALL)
    }
    ours = {n: t for n, t in vars(state).items() if hasattr(t, "__required_keys__")}
    assert len(ours) > 10
    for name, made in ours.items():
        hints = get_type_hints(made, include_extras=True)
        assert typedefs.pop(name) == {k: get_origin(t) is NotRequired for k, t in hints.items()}, name
    for name, view in (("ViewerState", Asn1Viewer), ("DiffState", Asn1Diff), ("LadderState", Ladder)):
        own = {n for c in view.__mro__ if c.__module__.startswith("sceplab.") for n in vars(c)}
        traits = {n for n in view.class_traits(sync=True) if n in own and not n.startswith("_")}
        assert set(get_type_hints(ours[name])) == traits, name
    assert set(typedefs) == {"Model"}


# ---------------------------------------------------------- scan

_TWIN = """
    const { scan } = await load("viewer/scan.js");
    return given.map(([text, inside]) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const made = scan(bytes, new Set(inside), 200, 2000000);
        const columns = ["start", "content", "end", "parent", "after", "flags"];
        return columns.map((name) => Array.from(made[name].subarray(0, made.count)));
    });
"""


def _compare_scans(cases: list[tuple[bytes, list[int]]]) -> int:
    theirs = in_node(_TWIN, [[base64.b64encode(data).decode(), inside] for data, inside in cases])
    nodes = 0
    for (data, inside), their in zip(cases, theirs, strict=True):
        made = scan.scan(data, inside=inside)
        ours = [list(c) for c in (made.start, made.content_start, made.end, made.parent, made.after, made.flags)]
        assert their == ours, data.hex()
        nodes += len(made)
    return nodes


@needs("node")
def test_javascript_and_python_scan_alike() -> None:
    """Columns are equal for real messages, changed ones, random bytes and deep nesting."""
    chance = random.Random(11)  # noqa: S311 - a test
    data = [*real_messages(), *map(as_ber, real_messages()[:3]), make_crl(50)]
    data += [b"", b"\x30\x80" * 500, b"\x30\x82" * 300, bytes(100), b"\x30\x80" * 250 + b"\x05\x00" + bytes(500)]
    for _ in range(300):
        changed = bytearray(chance.choice(real_messages()))
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.choice((0, 0x80, 0x30, 0xFF, chance.randrange(256)))
        data.append(bytes(changed))
    alphabet = bytes.fromhex("00 01 02 03 04 05 1f 24 30 31 3f 7f 80 81 82 84 a0 bf ff")
    data += [chance.randbytes(chance.randint(1, 80)) for _ in range(500)]
    data += [bytes(chance.choices(alphabet, k=chance.randint(1, 60))) for _ in range(5000)]
    assert _compare_scans([(d, chance.sample(range(len(d)), min(len(d), 4))) for d in data]) > 20_000


# ---------------------------------------------------------- content


def _views() -> list[Asn1Viewer]:
    """Return views of a message with its text and layers, of BER, and of guesses with bytes after the end."""
    message = messages(DATA / "specimen")[0]
    return [
        show(message, text=base64.b64encode(message.raw).decode()),
        show(as_ber(message.raw)),
        show(bytes.fromhex("3009 0407 3005 0403 010203 3003 020107"), "ANY", probe=True),
    ]


@needs("node")
@pytest.mark.parametrize("number", range(3))
def test_javascript_paths_match_python(number: int) -> None:
    """The browser's path and name of each element are those that Python computes."""
    view = _views()[number]
    found = _in_scene(
        view,
        """return content.buffers.map((buffer) => Array.from({ length: buffer.tree.count }, (_, i) =>
            [buffer.tree.start[i], content.path(buffer, i), content.label(buffer, i).name]));""",
    )
    compared = 0
    for layer, elements in zip(view.layers, found, strict=True):
        root = layer.tree
        if root is None:
            continue
        known = {start: (path, name) for start, path, name in elements}
        for node, path in paths(root):
            assert known[node.start] == (path or node.name, node.name)
            compared += 1
    assert compared > 3


@needs("node")
def test_folding() -> None:
    """After unfolding to a depth, to an element and to a guess, the rows are the expected ones, in order."""
    found = _in_scene(
        _views()[0],
        """
        const depthOf = (buffer, i) => content.depth(buffer, i);
        content.showWrappers(true);
        const depths = () => {
            const { owners, nodes } = content.rows();
            return owners.map((b, row) => depthOf(content.buffers[b], nodes[row]));
        };
        const out = {};
        out.to = [0, 1, 2, 5].map((depth) => { content.expandTo(depth); return depths(); });
        content.expandTo(99);
        out.all = depths().length;
        out.count = content.buffers.reduce((sum, buffer) => sum + buffer.tree.count, 0);
        content.expandTo(0);
        const last = content.buffers.at(-1), i = last.tree.count - 1;
        content.uncover(last, i);
        const { owners, nodes } = content.rows();
        out.uncovered = owners.some((b, row) => b === last.index && nodes[row] === i);
        out.row = owners.map((b, row) => [b, nodes[row]]).filter(([b]) => b === last.index).map(([, n]) => n);
        const before = content.rows().nodes.length, leaf = last.tree.after.findIndex((after, k) => after === k + 1);
        content.openAt(last, last.tree.start[leaf]);
        out.grown = content.rows().nodes.length - before;
        out.place = content.place(last, 0);
        return out;
        """,
    )
    for depth, depths in zip((0, 1, 2, 5), found["to"], strict=True):
        assert max(depths) <= max(depth, 1)
        assert depths[0] == 0
        assert all(b <= a + 1 for a, b in pairwise(depths))
    assert found["to"][0] == [0]
    assert found["all"] == found["count"] > 150
    assert found["uncovered"]
    assert found["row"] == sorted(found["row"])
    assert found["grown"] >= 0
    assert found["place"] == {"position": 1, "size": 1}


@needs("node")
def test_the_short_tree() -> None:
    """Rows are those of `folding.shown`, at most seven deep; each wrapper is at home in one row and can be shown."""
    view = _views()[0]
    found = _in_scene(
        view,
        """
        content.expandTo(99);
        const buffer = content.buffers[1], { fold, tree } = buffer;
        const rows = () => {
            const { owners, nodes } = content.rows();
            return owners.flatMap((b, row) => b === 1 ? [[tree.start[nodes[row]], fold.level[nodes[row]]]] : []);
        };
        const out = { rows: rows(), left: [...fold.left.values()].reduce((sum, n) => sum + n, 0), count: tree.count };
        const nonce = tree.start.findIndex((at, i) => content.label(buffer, i).name === "senderNonce");
        out.home = [nonce, nonce - 1, nonce - 2, nonce - 3].map((i) => content.home(buffer, i) === nonce);
        const before = content.rows().nodes.length;
        content.spread(buffer, nonce);
        out.spread = content.rows().nodes.length - before;
        content.spread(buffer, nonce);
        out.again = content.rows().nodes.length - before;
        content.openFor([{ buffer: 1, offset: tree.start[nonce] }], 40);
        const { nodes, owners } = content.rows();
        out.story = [nodes.length, nodes.some((i, row) => i === nonce && owners[row] === 1)];
        return out;
        """,
    )
    tree = view.layers[1].tree
    assert tree is not None
    expected = [[n.start, depth] for n, depth in shown(tree, fold(nodes_of(tree)))]
    assert found["rows"] == expected
    assert max(level for _, level in expected) <= 9
    assert found["left"] + len(expected) == found["count"]
    assert found["home"] == [True] * 4
    assert (found["spread"], found["again"]) == (3, 0)
    assert 30 <= found["story"][0] <= 45
    assert found["story"][1]


@needs("node")
def test_each_byte_is_explained() -> None:
    """Tag, length, value, end of contents and trailing bytes are explained in words."""
    data = bytes.fromhex("3080 9f8102 01 07 0000 0500")
    found = _in_scene(
        show(data, "ANY"),
        """
        const { explain } = await load("viewer/explain.js");
        return [...content.buffers[0].bytes.keys()].map((at) => explain(content, content.buffers[0], at));
        """,
    )
    assert found == [
        "0  30  tag: universal 16 SEQUENCE, constructed (00 1 10000) of SEQUENCE",
        "1  80  length: indefinite of SEQUENCE",
        "2  9f  tag: context in the bytes that follow, primitive (10 0 11111) of [130]",
        "3  81  tag, continued of [130]",
        "4  02  tag, continued of [130]",
        "5  01  length: 1 of [130]",
        "6  07  [130], byte 1 of 1",
        "7  00  end of contents of SEQUENCE",
        "8  00  end of contents of SEQUENCE",
        "9  05  after the end",
        "10  00  after the end",
    ]


@needs("node")
def test_a_missing_value_is_none() -> None:
    """Python's None may arrive as undefined; the rows are the same."""
    code = "content.showWrappers(true); content.expandTo(99); return content.rows().nodes.length;"
    state = state_of(_views()[0])
    rows = in_node(_MODEL + code, state)
    for buffer in state["buffers"]:
        if buffer["parent"] is None:
            del buffer["parent"]
    assert in_node(_MODEL + code, state) == rows > 150


@needs("node")
def test_search_and_resolve() -> None:
    """Search by name, value, text and hex returns ordered, limited results; offsets and paths resolve."""
    view = _views()[0]
    found = _in_scene(
        view,
        """
        const at = (text, most) => content.search(text, most).map(({ buffer, offset }) => [buffer, offset]);
        return {
            hex: at("00 01 02 03 04"), text: at("ioscs RA"), name: at("senderNonce"), none: at("no such thing"),
            few: at("attr", 3).length,
            go: ["0", "0x1e", "31", "999999", "senderNonce.senderNonce", "certificationRequestInfo.subject", "nowhere"]
                .map((text) => content.resolve(text, 1)),
        };
        """,
    )
    raw = messages(DATA / "specimen")[0].raw
    node = view.select("senderNonce.senderNonce")
    assert found["hex"][-1] == view.selected == [1, node.start]
    assert [1, raw.find(b"ioscs RA") - 2] in found["text"]
    assert [1, node.start] in found["name"]
    assert found["name"] == sorted(found["name"])
    assert found["none"] == []
    assert found["few"] == 3
    offset, hexadecimal, inner, outside, path, request, nowhere = found["go"]
    assert (offset["offset"], offset["cursor"]) == (0, 0)
    assert (hexadecimal["offset"], hexadecimal["cursor"]) == (30, 30)
    assert (inner["offset"], inner["cursor"]) == (30, 31)
    assert outside is nowhere is None
    assert (path["buffer"], path["offset"]) == (1, node.start)
    assert (request["buffer"], request["offset"]) == (2, view.select("certificationRequestInfo.subject").start)


_OCTETS: dict[str, Callable[[], bytes]] = {
    "request": lambda: real_messages()[0],
    "reply": lambda: real_messages()[1],
    "BER": lambda: as_ber(real_messages()[0]),
    "long tag": lambda: b"\xbf\x81\x02\x03\x02\x01\x05",
}


@needs("node")
@pytest.mark.parametrize("name", _OCTETS)
def test_each_byte_has_its_kind(name: str) -> None:
    """Tag, length, value, end-of-contents, and the selection. The result does not depend on the range asked for."""
    data = _OCTETS[name]()
    found = _in_scene(
        show(data, "ANY"),
        """
        const whole = [...scene.codes(0, given.buffers[0].length)], parts = [];
        for (let at = 0; at < whole.length; at += 7) parts.push(...scene.codes(at, Math.min(at + 7, whole.length)));
        scene.selected = { buffer: 0, i: content.buffers[0].tree.count - 1 };
        return { whole, parts, selected: [...scene.codes(0, whole.length)].map((code) => code & 4) };
        """,
    )
    made = scan.scan(data)
    expected = [0] * len(data)
    for i in range(len(made)):
        tag = 1
        if data[made.start[i]] & 0x1F == 0x1F:
            while data[made.start[i] + tag] & 0x80:
                tag += 1
            tag += 1
        for at in range(made.start[i], made.content_start[i]):
            expected[at] = 1 if at < made.start[i] + tag else 2
        if made.end[i] != made.content_end(i):
            expected[made.end[i] - 2 : made.end[i]] = [3, 3]
    assert found["whole"] == found["parts"] == expected
    last = len(made) - 1
    assert [n for n, code in enumerate(found["selected"]) if code] == list(range(made.start[last], made.end[last]))


@needs("node")
def test_coverage_marks_and_current_layer() -> None:
    """Elements of the signature's coverage have marks, and the layer of the selected element is the current one."""
    view = _views()[0]
    signed = next(i for i, r in enumerate(view.regions) if r["label"].startswith("the signature covers signedAttrs"))
    region = view.regions[signed]
    view.lit = signed
    inside = view.select("senderNonce.senderNonce").start
    found = _in_scene(
        view,
        f"""
        const {{ deepest }} = await load("viewer/scan.js");
        const element = (buffer, offset) => ({{ buffer, i: deepest(content.buffers[buffer].tree, offset) }});
        const inside = element(1, {inside});
        scene.selected = inside;
        const proof = element(1, {region["proof"]["start"]});
        const out = {{
            marks: [inside, proof, element(1, 0), element(2, 0)].map((e) => scene.mark(e)),
            covering: scene.covering(inside).map((region) => region.label), station: scene.station(),
        }};
        scene.selected = element(2, 10);
        return {{ ...out, request: scene.station() }};
        """,
    )
    assert found["marks"] == ["region", "proof", "", ""]
    assert region["label"] in found["covering"]
    assert view.stations[found["station"]]["title"] == "SignedData"
    assert view.stations[found["request"]]["title"] == "CertificationRequest"
