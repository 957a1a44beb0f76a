"""The project is consistent: imports, versions, hashes and links."""

from __future__ import annotations

import ast
import hashlib
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sceplab
from sceplab import paths
from sceplab.asn1 import oids
from sceplab.cli.doctor import data_hashes
from sceplab.extras import CORE, EXTRAS, LAB, NOTEBOOKS, Extra
from tests.helpers.captures import DATA, ROOT


def _floors() -> tuple[str, ...]:
    """Return the floors in the order of docs/architecture.md, lowest first."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Floors")[2].partition("\n## ")[0]
    return tuple(re.findall(r"^\| `([a-z0-9_]+)` \|", table, re.MULTILINE))


ORDER = _floors()
# Libraries that only certain modules may import.
ONLY_IN = {
    "dpkt": {"capture"},
    "httptools": {"capture"},
    "pyhanko_certvalidator": {"cms"},
    "asn1crypto": {"cms", "walk"},
    "requests": {"lab"},
    "tornado": {"lab"},
    "sqlite3": {"lab"},
    "ipywidgets": {"widgets"},
    "anywidget": {"widgets"},
    "rich": {"cli"},
}


def _imports() -> list[tuple[str, str, str]]:
    """Return (module, imported name, its top-level name) for every import of the package."""
    out = []
    for path in sorted((ROOT / "sceplab").rglob("*.py")):
        module = path.relative_to(ROOT / "sceplab").with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                out += [(module, a.name, a.name.split(".")[0]) for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "sceplab" else [node.module]
                out += [(module, n, n.split(".")[0]) for n in names]
    assert len(out) > 100
    return out


def test_a_floor_imports_only_lower_floors() -> None:
    """A floor imports only the floors below it, and docs/architecture.md names every floor."""
    found = set()
    for module, what, top in _imports():
        if top != "sceplab" or module == "__init__" or "." not in what:
            continue
        target = what.split(".")[1]
        found.add(module)
        if target in ORDER and target != module:
            assert ORDER.index(target) < ORDER.index(module), f"{module} imports {what}"
    here = {p.stem for p in (ROOT / "sceplab").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert found <= here - {"__init__"} == set(ORDER)
    assert len(found) >= 8


_OID = re.compile(r"[0-2](\.\d+){3,}")


def test_each_object_identifier_is_written_once() -> None:
    """Object identifiers are constants in asn1/oids.py; no other module writes one or looks one up by name."""
    found: list[tuple[str, str]] = []
    asked = []
    for path in sorted((ROOT / "sceplab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _OID.fullmatch(node.value):
                found.append((node.value, path.name))
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("NAMES_TO_OID"):
                asked.append((path.name, node.lineno))
    assert len(found) > 100
    values = [value for value, _ in found]
    assert sorted({value for value in values if values.count(value) > 1}) == []
    assert {name for _, name in found} == {"oids.py"}
    assert asked == []
    assert {value for value, _ in found} == set(oids.NAMES)


def test_each_library_is_imported_in_one_place() -> None:
    """HTTP, capture files, path validation and widgets are each imported in one place."""
    wrong = [(m, w) for m, w, top in _imports() if top in ONLY_IN and m not in ONLY_IN[top]]
    assert wrong == []


def _loaded(code: str) -> set[str]:
    """Return the top-level names of the modules that a fresh interpreter has loaded after running `code`."""
    code += "\nimport sys; print('\\n' + ' '.join(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


# Modules that load slowly, or belong to one floor.
_HEAVY = {*ONLY_IN, "cryptography", "IPython", "socketserver", "typing", "dataclasses"}


def test_import_sceplab_is_light() -> None:
    """`import sceplab` loads no library and no floor; using a name loads what it needs."""
    assert _loaded("import sceplab") & _HEAVY == set()
    loaded = _loaded("import sceplab; sceplab.decode_message")
    assert "cryptography" in loaded
    assert loaded & {*ONLY_IN, "IPython", "socketserver"} == set()


def test_a_command_loads_only_the_libraries_it_needs() -> None:
    """Version and help load no library; `decode` of packets loads their parser; neither loads HTTP or the lab."""
    run = "from sceplab.cli import main\ntry: main({})\nexcept SystemExit: pass"
    for arguments in (["--version"], ["--help"], ["lab", "--help"]):
        assert _loaded(run.format(arguments)) & {*ONLY_IN, "cryptography"} == set(), arguments
    decoding = _loaded(run.format(["decode", str(paths.SPECIMEN / "capture.pcap")]))
    assert {"cryptography", "httptools"} <= decoding
    assert "dpkt" not in decoding  # used to write packets; reading them needs none of its protocols
    assert decoding & {"rich", "requests", "tornado", "sqlite3", "anywidget", "pyhanko_certvalidator"} == set()


def _facade() -> tuple[dict[str, str], dict[str, str]]:
    """Return name -> module for the exports of `sceplab`: as imported for type checkers, and as loaded."""
    tree = ast.parse((ROOT / "sceplab" / "__init__.py").read_text(encoding="utf-8"))
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("sceplab.")]
    typed = {a.asname or "": (n.module or "").removeprefix("sceplab.") for n in nodes for a in n.names}
    return typed, {name: home for home, names in sceplab._NAMES.items() for name in names}


def test_every_public_name_exists_and_has_a_docstring() -> None:
    """`__all__` is complete and sorted, `dir` contains it, and type checkers see the same names."""
    typed, loaded = _facade()
    assert typed == loaded
    assert sorted(sceplab.__all__) == list(sceplab.__all__) == sorted(loaded)
    assert set(sceplab.__all__) <= set(dir(sceplab))
    assert set(sceplab.__all__) & set(ORDER) == set(), "a name hides a module"
    for name in sceplab.__all__:
        assert getattr(sceplab, name).__doc__, name
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sceplab.nonsense  # type: ignore[attr-defined]


def test_every_public_name_is_used() -> None:
    """The notebooks, exercises, README or documentation use each name; the package itself uses none."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md"), *(ROOT / "notebooks" / "src").glob("*.md")]
    pages += (ROOT / "sceplab" / "exercises").glob("*.py")
    text = "\n".join(p.read_text(encoding="utf-8") for p in pages)
    used = {n for line in re.findall(r"from sceplab import (.*)", text) for n in re.findall(r"\w+", line)}
    used |= set(re.findall(r"\bsceplab\.(\w+)", text))
    assert [n for n in sceplab.__all__ if n not in used] == []
    inside = [(m, w) for m, w, _ in _imports() if w.removeprefix("sceplab.") in sceplab.__all__]
    assert inside == []


def test_environment_yml_agrees_with_pyproject() -> None:
    """The same names and minimum versions, and the package itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "environment.yml").read_text()
    listed = re.findall(r"^ +- ([A-Za-z][\w.-]*[<>=!~].*)$", text, re.MULTILINE)
    wanted = {*project["dependencies"], *itertools.chain(*_extras(project).values())}
    assert wanted == {line for line in listed if not line.startswith("python>")}
    assert f"python{project['requires-python']}" in listed
    assert "-e ." in text
    assert "conda-forge" in text


def test_the_version_is_in_one_place() -> None:
    """The package contains it; pyproject reads it there, and the changelog has an entry for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "sceplab/__init__.py"
    entries = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries[:2] == ["Unreleased", sceplab.__version__]


def _extras(project: dict[str, Any]) -> dict[str, list[str]]:
    """Return the requirements that each extra adds itself; `all` adds only the other extras."""
    extras = {n: list(lines) for n, lines in project["optional-dependencies"].items()}
    others = ",".join(sorted(extras.keys() - {"all"}))
    assert extras.pop("all") == [f"sceplab[{others}]"]
    return {n: [line for line in lines if not line.startswith("sceplab[")] for n, lines in extras.items()}


def test_the_oldest_versions_are_locked() -> None:
    """`make test-oldest` uses the minimum versions of pyproject; after a change, run `make lock UPGRADE=`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements-oldest.lock").read_text(), re.MULTILINE))
    for line in (*project["dependencies"], *itertools.chain(*_extras(project).values())):
        name, floor = re.split("[<>=!~]+", line)
        assert f"{locked[name]}.".startswith(f"{floor}."), line


def test_the_table_of_extras_agrees_with_pyproject() -> None:
    """The messages about missing libraries name what pyproject installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = {n: {re.split("[<>=!~]", line)[0] for line in lines} for n, lines in _extras(project).items()}
    assert stated == {extra.name: set(extra.libraries) for extra in EXTRAS}
    assert {re.split("[<>=!~]", line)[0] for line in project["dependencies"]} == set(CORE)


# The libraries of the extras and their dependencies.
_BLOCKED = ("requests", "tornado", "traitlets", "IPython", "anywidget", "ipywidgets", "dask")
_WITHOUT = "import sys; sys.modules.update(dict.fromkeys({0!r}.split())); {1}"


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("import sceplab.widgets", NOTEBOOKS),
        ("import sceplab.widgets.ladder", NOTEBOOKS),
        ("import sceplab.lab.network", LAB),
        ("import sceplab.lab.micromdm", LAB),
    ],
)
def test_a_missing_extra_is_named(code: str, extra: Extra) -> None:
    """The text of the ImportError contains the command that installs it."""
    blocked = " ".join(_BLOCKED)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(blocked, code)], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].endswith(f"MissingLibraryError: {extra}")
    assert extra.command in str(extra)


def test_the_plain_install_runs_the_command_line() -> None:
    """`decode` needs no library of an extra; `lab` and `enroll` name what they need in one line."""
    blocked = " ".join(_BLOCKED)
    run = "from sceplab.cli import main; sys.exit(main(sys.argv[1:]))"
    for arguments, code in (
        (["decode", str(DATA / "specimen" / "capture.pcap")], 0),
        (["--help"], 0),
        (["lab", "start", "--challenge", "secret"], 2),
        (["enroll", "--subject", "CN=R3", "http://127.0.0.1/"], 2),
    ):
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT.format(blocked, run), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert done.stderr == (f"sceplab: {LAB}\n" if code else "")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_a_clone_on_windows_has_the_same_bytes(tmp_path: Path) -> None:
    """`core.autocrlf`, the default of Git for Windows, changes no line ends of data or scripts."""
    windows = ["git", "-c", "core.autocrlf=true", "checkout-index", "--all", f"--prefix={tmp_path}/"]
    subprocess.run(windows, cwd=ROOT, check=True, capture_output=True)
    stated = data_hashes(tmp_path / "data")
    assert len(stated) > 40
    assert {n: hashlib.sha256((tmp_path / "data" / n).read_bytes()).hexdigest() for n in stated} == stated
    scripts = [tmp_path / ".ci" / "run", tmp_path / "Makefile", *(tmp_path / "notebooks").rglob("*.ipynb")]
    assert [path for path in scripts if b"\r\n" in path.read_bytes()] == []


def test_the_package_says_that_it_is_typed() -> None:
    """With py.typed (PEP 561), type checkers of other projects use its annotations."""
    assert (ROOT / "sceplab" / "py.typed").read_bytes() == b""


def test_data_files_match_provenance() -> None:
    """Every file of data/ has a line with its hash, and every line has a file."""
    stated = data_hashes()
    there = {
        str(p.relative_to(DATA)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in DATA.rglob("*")
        if p.is_file() and p.name not in {"PROVENANCE.md", "make_specimen.py"} and "__pycache__" not in p.parts
    }
    assert len(there) > 40
    assert stated == there


def test_private_keys_are_marked_as_test_keys() -> None:
    """For every private key, PROVENANCE.md says: test key, never deploy."""
    lines = (DATA / "PROVENANCE.md").read_text().splitlines()
    keys = [p for p in DATA.rglob("*") if p.is_file() and b"PRIVATE KEY-----" in p.read_bytes() and p.suffix != ".py"]
    assert len(keys) >= 5
    for path in keys:
        name = str(path.relative_to(DATA))
        assert any(f"`{name}`" in line and "test key, never deploy" in line for line in lines), name


def test_links_of_the_pages_are_valid() -> None:
    """Relative links and pictures of every Markdown page at the top of the tree."""
    pages = sorted(ROOT.glob("*.md"))
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} <= {p.name for p in pages}
    for page in pages:
        links = re.findall(r"\]\(([^)\s#]+)\)", page.read_text())
        missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
        assert missing == [], page


def test_readme_names_every_notebook_and_true_commands() -> None:
    """The table of notebooks is complete; each `make` word is a target; its Python code runs."""
    text = (ROOT / "README.md").read_text()
    notebooks = sorted(p.name for p in (ROOT / "notebooks").glob("*.ipynb"))
    assert len(notebooks) >= 7
    assert [n for n in notebooks if f"notebooks/{n}" not in text] == []
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= set(targets)
    assert "make lab" in text
    assert "make test" in text
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_module_states_its_purpose() -> None:
    """The first lines of each module state its purpose."""
    for path in sorted((ROOT / "sceplab").rglob("*.py")):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_paths(tmp_path: Path) -> None:
    """Private keys that sceplab writes are readable by their owner only."""
    from sceplab.files import write_new

    write_new(tmp_path / "key", b"secret", private=True)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_readme_is_short_and_its_example_output_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length is limited, and the verdict it shows is what the command prints."""
    text = (ROOT / "README.md").read_text()
    assert len(text.split()) <= 700
    command, shown = re.findall(r"```\n\$ sceplab (.*?)\n(.*?)```", text, re.DOTALL)[0]
    monkeypatch.setenv("COLUMNS", "96")
    done = subprocess.run(
        [sys.executable, "-m", "sceplab.cli", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith(shown)
