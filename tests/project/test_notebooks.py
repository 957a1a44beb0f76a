"""The notebooks match their sources, run in order, and contain no broken links."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sceplab import openssl
from sceplab.lab import micromdm
from tests.helpers import wheels
from tests.helpers.captures import ROOT, needs
from tools import notebooks

SOURCES = notebooks.sources()
# Cells that show output of other programs, which differs between their versions.
_FOREIGN = re.compile(r"openssl\.|foreign\.")


def _ids(source: Path) -> str:
    return source.stem


def _stored(source: Path) -> dict[str, Any]:
    return dict(json.loads((notebooks.BUILT / f"{source.stem}.ipynb").read_text(encoding="utf-8")))


def _code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def _same_programs() -> bool:
    """Return whether openssl and scepserver have the versions of the stored outputs (Debian 12)."""
    if not (openssl.available() and micromdm.available()):
        return False
    done = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    return done.stdout.startswith("OpenSSL 3.0.")


def test_every_notebook_has_a_source_and_every_source_a_notebook() -> None:
    """No notebook lacks a source, and no source lacks a notebook."""
    assert len(SOURCES) >= 7
    assert [s.stem for s in SOURCES] == sorted(p.stem for p in notebooks.BUILT.glob("*.ipynb"))


@pytest.mark.parametrize("source", SOURCES, ids=_ids)
def test_a_fresh_kernel_reproduces_the_stored_notebook(source: Path) -> None:
    """Run alone, from a fresh kernel, in a copy of the folder: the outputs equal the stored ones."""
    made, stored = json.loads(notebooks.make(source)), _stored(source)
    same = _same_programs()
    assert len(made["cells"]) == len(stored["cells"])
    for new, old in zip(made["cells"], stored["cells"], strict=True):
        if same or not _FOREIGN.search("".join(new["source"])):
            assert old == new


@pytest.mark.parametrize("source", SOURCES, ids=_ids)
def test_stored_notebooks_were_run_once_from_top_to_bottom(source: Path) -> None:
    """Execution counts go from 1 to n, no cell failed, and there are at least two unsolved exercises."""
    cells = _code(_stored(source))
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
    assert not [o for c in cells for o in c["outputs"] if o["output_type"] == "error"]
    checks = [c for c in cells if ".check(" in "".join(c["source"])]
    assert len(checks) >= 2
    assert all("answer = ..." in "".join(c["source"]) for c in checks)
    assert all("Not attempted yet" in json.dumps(c["outputs"]) for c in checks)


# A solution may have several statements; the value of the last one is the answer.
_SOLVED = """import ast as _ast
*_before, _last = _ast.parse({0}.code).body
exec(compile(_ast.Module(_before, []), "solution", "exec"))
answer = eval(compile(_ast.Expression(_last.value), "solution", "eval"))"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an installed wheel."""
    return wheels.install(tmp_path_factory.mktemp("wheel"))


@needs("openssl")
@pytest.mark.parametrize("source", SOURCES, ids=_ids)
def test_the_solutions_solve_the_exercises_in_their_notebook(
    source: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each solution's code as the answer, every check reports success; sceplab comes from its wheel."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    notebook = notebooks.convert(source)
    wanted = 0
    for cell in notebook.cells:
        found = re.search(r"^(\w+)\.check\(", cell.source, re.MULTILINE)
        if cell.cell_type == "code" and found:
            cell["source"] = cell.source.replace("answer = ...", _SOLVED.format(found[1]))
            wanted += 1
    (tmp_path / "notebooks").mkdir()
    home = copy.deepcopy(next(c for c in notebook.cells if c.cell_type == "code"))
    home.update(id="home", source="import sceplab; print(sceplab.__file__)")
    notebook.cells.append(home)
    done = notebooks.run(notebook, tmp_path / "notebooks")
    answers = [
        o["data"]["text/plain"]
        for c in done.cells
        if c.cell_type == "code" and ".check(" in c.source
        for o in c.outputs
        if "data" in o
    ]
    assert len(answers) == wanted >= 2
    assert Path(done.cells[-1].outputs[0]["text"].strip()).is_relative_to(installed)
    assert all(a.startswith("Right: ") for a in answers)


@pytest.mark.parametrize("source", SOURCES, ids=_ids)
def test_links_between_notebooks_are_valid(source: Path) -> None:
    """Every relative link in the text leads to a file."""
    text = "\n".join("".join(c["source"]) for c in _stored(source)["cells"] if c["cell_type"] == "markdown")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (notebooks.BUILT / link).is_file()] == []


@pytest.mark.parametrize("source", SOURCES, ids=_ids)
def test_no_private_key_and_no_path_of_the_builder_is_stored(source: Path) -> None:
    """Outputs contain nothing of the machine that made them, and no key."""
    text = json.dumps([c["outputs"] for c in _code(_stored(source))])
    assert "/tmp/" not in text  # noqa: S108 - this test looks for one and makes none
    assert str(ROOT) not in text
    assert "PRIVATE KEY-----\\nMI" not in text


def test_make_lab_shows_the_project_and_opens_the_first_notebook() -> None:
    """JupyterLab's root is the project, so its file browser shows README, notebooks and data; the page exists."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlab:")[2].partition("\n\n")[0]
    assert "--ServerApp.root_dir=$(CURDIR)" in recipe
    (page,) = re.findall(r"--LabApp\.default_url=/lab/tree/(\S+)", recipe)
    assert (ROOT / page).is_file()
