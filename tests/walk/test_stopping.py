"""Notebook 07 leaves its lab running after Run All; when the kernel ends, the lab stops and cleans up."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from tests.helpers.captures import ROOT
from tools import notebooks

_WHERE = "import os\nprint(os.getpid(), lab.ca_url, lab.ra_url, lab.folder)"


def _open(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(address.hostname), address.port or 0)) == 0


def test_run_all_leaves_the_lab_running_until_the_kernel_ends(tmp_path: Path) -> None:
    """After Run All both ports are open. After the kernel ends there is no process, port or folder left."""
    (source,) = notebooks.sources(["07"])
    notebook = notebooks.convert(source)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")
    asked = new_code_cell(_WHERE)
    client = NotebookClient(
        notebook,
        timeout=notebooks.TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path / "notebooks")}},
    )
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        notebook.cells.append(asked)
        client.execute_cell(asked, len(notebook.cells) - 1)
        process, *urls, folder = asked.outputs[0].text.split()
        assert [_open(url) for url in urls] == [True, True]
        assert Path(folder).is_dir()
    assert [_open(url) for url in urls] == [False, False]
    assert not Path(folder).exists()
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        pass
    else:
        raise AssertionError("the kernel's process is still there")
