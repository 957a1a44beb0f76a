"""A lab that runs for years on a moved clock: expiry, renewals, and a CA rollover."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.captures import needs
from tests.helpers.labs import quick_key
from tests.helpers.years import WAYS, Years


@needs("openssl")
def test_three_years_with_renewals_and_a_rollover(tmp_path: Path) -> None:
    """The RA renews itself three times. Twenty devices use every way of enrolling, at the CA and at the RA."""
    years = Years(tmp_path, 20)
    try:
        first = years.ca.certificate
        for month in range(1, 37):
            if month == 18:
                years.ca.prepare_rollover(key=quick_key(10))
            if month == 19:
                years.ca.roll_over()
            years.month()
        assert years.ca.certificate != first
        assert len(years.ra_certificates) == len(set(years.ra_certificates)) == 3
        assert {(d.way, d.via_ra) for d in years.devices} == {(w, v) for w in WAYS for v in (True, False)}
        assert all(len(d.certificates) >= 4 for d in years.devices)
        assert years.verified() == 20
        told = [
            str(d) for d in years.decisions if d.kind in {"GetNextCACert", "RenewalReq"} and "renews its own" in str(d)
        ]
        assert len(told) == 3, told
    finally:
        years.close()
