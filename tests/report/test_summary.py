"""Many captures as a table: with `rows_of`, and with the cell of notebook 10, run locally and on a Dask cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sceplab.report.rows import rows_of
from tests.helpers.captures import DATA, ROOT, capture_file, materials

_CLUSTER = """
import json, sys
from distributed import LocalCluster

if __name__ == "__main__":
    cell, files = json.loads(sys.stdin.read())
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address=None) as c:
        import sceplab

        here = {"sceplab": sceplab, "files": files, "FOLDER": "/", "held": sceplab.Materials()}
        found = []
        for address in ("", c.scheduler_address):
            exec(cell.replace('CLUSTER = ""', f"CLUSTER = {address!r}"), here)
            found.append(here["rows"])
    print(json.dumps(found))
"""


def _cell() -> str:
    """Return the cell of notebook 10 that does the work."""
    source = (ROOT / "notebooks" / "src" / "10-many-captures.md").read_text()
    cells = [part.split("```")[0].partition("\n")[2] for part in source.split("```{code-cell}")[1:]]
    (cell,) = [c for c in cells if 'CLUSTER = ""' in c]
    return cell


def test_the_same_cell_runs_locally_and_on_a_cluster(tmp_path: Path) -> None:
    """Only the scheduler's address differs. The cluster is a real one, whose worker is another process."""
    files = [str(capture_file(folder)) for folder in sorted((DATA / "captures").iterdir())]
    assert len(files) >= 4
    (tmp_path / "noise.pcap").write_bytes(bytes(range(100)))
    files.append(str(tmp_path / "noise.pcap"))
    script = tmp_path / "cluster.py"
    script.write_text(_CLUSTER)
    done = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps([_cell(), files]),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    here, there = json.loads(done.stdout.splitlines()[-1])
    assert here == there
    assert [row for f in files for row in rows_of(f, root="/")] == here
    assert here[-1]["file"].endswith("/noise.pcap")
    assert "no format known" in here[-1]["error"]


def test_rows_describe_a_refused_enrollment() -> None:
    """Cipher, status, failInfo and cause are known without keys, the size of the requested key only with them."""
    folder = DATA / "captures" / "micromdm-wrongchallenge"
    row: dict[str, Any]
    (row,) = rows_of(capture_file(folder))
    assert (row["type"], row["status"], row["failInfo"]) == ("PKCSReq", "FAILURE", "badRequest")
    assert (row["cipher"], row["cause"], row["worst"]) == ("des-cbc", "badRequest", "MUST")
    assert row["key_bits"] is None
    assert "weak-cipher" in row["rules"]
    (row,) = rows_of(capture_file(folder), materials(folder))
    assert row["key_bits"] == 2048
