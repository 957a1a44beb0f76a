"""Build the notebooks from their sources, or check that they match.

Rule: notebooks/src/NN-verb-noun.md (MyST) is what people write and review;
notebooks/NN-verb-noun.ipynb is built from it, run in a fresh kernel. Two builds
give the same bytes: no timings, widget states, random ids or temporary paths
are kept.

    python -m tools.notebooks build [NAME ...]
    python -m tools.notebooks check [NAME ...]
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "notebooks" / "src"
BUILT = ROOT / "notebooks"
# Time limit for one cell in seconds; every cell takes a few, even on a slow machine.
TIMEOUT = 300

LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11.7",
}
"""What the kernel of the project's Python says of itself, always the same.

JupyterLab writes the kernel's answer into an open notebook, and marks it as changed where the stored one differs.
"""


def sources(names: list[str] | None = None) -> list[Path]:
    """Return the sources in reading order; raises SystemExit for an unknown name."""
    found = sorted(SOURCES.glob("[0-9][0-9]*-*.md"))
    if not found:
        raise SystemExit(f"no notebook sources in {SOURCES}")
    if not names:
        return found
    wanted = [p for p in found if p.stem in names or p.stem.partition("-")[0] in names]
    if len(wanted) != len(names):
        raise SystemExit(f"known notebooks: {', '.join(p.stem for p in found)}")
    return wanted


def title_of(source: Path) -> str:
    """Return the first heading of a source."""
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    raise SystemExit(f"{source} has no title")


def _way(source: Path) -> str:
    """Return the line with links to the previous and next notebook and to the contents."""
    order = sources()
    index = order.index(source)
    parts = []
    if index > 0:
        parts.append(f"[< {title_of(order[index - 1])}]({order[index - 1].stem}.ipynb)")
    parts.append("[Contents](00-start-here.ipynb)")
    if index + 1 < len(order):
        parts.append(f"[{title_of(order[index + 1])} >]({order[index + 1].stem}.ipynb)")
    return " | ".join(parts)


def convert(source: Path) -> Any:  # noqa: ANN401 - nbformat has no types
    """Return the notebook of a source, not yet run."""
    notebook = jupytext.read(source)
    way = _way(source)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(way))
    notebook.cells.append(nbformat.v4.new_markdown_cell("---\n" + way))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number:02}"
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": LANGUAGE,
        }
    )
    return notebook


def run(notebook: Any, folder: Path) -> Any:  # noqa: ANN401
    """Run a notebook from a fresh kernel in `folder`; raises CellExecutionError on an untagged error."""
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return clean(notebook)


def clean(notebook: Any) -> Any:  # noqa: ANN401
    """Remove what differs from run to run."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = nbformat.from_dict(LANGUAGE)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        outputs: list[Any] = []
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output["traceback"] = [f"{output.ename}: {output.evalue}"]
            data = output.get("data")
            if data is not None:
                # The model id of a widget view is random; its static view (text/html) stays.
                data.pop("application/vnd.jupyter.widget-view+json", None)
                if not data:
                    continue
            outputs.append(_merged(outputs, output))
        if "outputs" in cell:
            cell["outputs"] = [o for o in outputs if o is not None]
    return notebook


def _merged(before: list[Any], output: Any) -> Any:  # noqa: ANN401
    """Join a part of a stream to the previous one, since the split depends on timing."""
    last = next((o for o in reversed(before) if o is not None), None)
    if (
        output.output_type == "stream"
        and last is not None
        and last.output_type == "stream"
        and last.name == output.name
    ):
        last["text"] += output.text
        return None
    return output


def make(source: Path) -> str:
    """Return the text of the notebook built from a source."""
    notebook = convert(source)
    with tempfile.TemporaryDirectory() as scratch:
        # A copy, so that no cell changes the tree; with the same layout, so that ../data exists.
        folder = Path(scratch) / "notebooks"
        folder.mkdir()
        shutil.copytree(ROOT / "data", Path(scratch) / "data")
        settings = {"PYTHONHASHSEED": "0", "IPYTHONDIR": str(Path(scratch) / "ipython"), "COLUMNS": "100"}
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            run(notebook, folder)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"


def difference(source: Path) -> str:
    """Return how the stored notebook differs from the one built now; "" if it does not differ."""
    stored = BUILT / f"{source.stem}.ipynb"
    old = stored.read_text(encoding="utf-8") if stored.is_file() else ""
    new = make(source)
    return "".join(
        difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), str(stored), "rebuilt")
    )


def main() -> int:
    """Build or check; return the number of notebooks that differ (check) or 0 (build)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "check"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    wrong = 0
    for source in sources(arguments.names):
        if arguments.action == "build":
            (BUILT / f"{source.stem}.ipynb").write_text(make(source), encoding="utf-8")
            print(f"built {source.stem}")
            continue
        changes = difference(source)
        wrong += bool(changes)
        print(f"{source.stem}: {'differs' if changes else 'ok'}")
        print(changes, end="")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
