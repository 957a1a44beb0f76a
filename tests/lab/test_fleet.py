"""The generated captures of notebook 10: all kinds of devices, outcomes and ciphers, the same in each run."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from sceplab.lab import fleet
from sceplab.lab.identity import new_key
from sceplab.report.rows import rows_of


def test_fleet_captures_before_and_after_the_ca_became_strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months are recorded.

    Every capture but the truncated one is readable; times, names and ciphers are as planned.
    """
    monkeypatch.setattr(fleet, "_MONTHS", fleet._MONTHS[:2])
    monkeypatch.setattr(fleet, "_STRICT", 1)
    # Make one key of each size only: key generation takes most of the time.
    monkeypatch.setattr(fleet, "new_key", cache(new_key))
    held = fleet.record_fleet(tmp_path)
    rows = [row for path in sorted(tmp_path.rglob("*.pcap")) for row in rows_of(path, held, tmp_path)]
    assert [row["file"] for row in rows if row["error"]] == ["2026-02/cut-off.pcap"]
    messages = [row for row in rows if not row["error"]]
    assert len(messages) == 50
    assert all(row["device"] == f"O=Example,CN={Path(row['file']).stem}" for row in messages)
    assert {row["time"][:7] for row in messages} == {"2026-01", "2026-02"}
    assert {"des-cbc", "des-ede3-cbc", "aes-128-cbc"} == {row["cipher"] for row in messages}
    printers = [row for row in messages if "printer" in row["file"]]
    assert all(row["weak"] == ["des-cbc", "md5", "RSA 1024"] for row in printers)
    refused = Counter(row["file"][:7] for row in messages if row["failInfo"] == "badAlg")
    assert set(refused) == {"2026-02"}
