"""A lab that runs for years on a moved clock: expiry, renewals, and a CA rollover."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sceplab.cms.x509 import public_key_info
from sceplab.lab.chains import issued_by
from sceplab.lab.clock import ended
from tests.helpers.captures import needs
from tests.helpers.labs import quick_key
from tests.helpers.years import WAYS, Years


@needs("openssl")
def test_three_years_with_renewals_and_a_rollover(tmp_path: Path) -> None:
    """The CA rolls over once, the RA renews itself three times.

    A hundred devices renew each year, twenty in each way, half of them at the CA and half at the RA.
    """
    years = Years(tmp_path, 100)
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
        ways = Counter((d.way, d.via_ra) for d in years.devices)
        assert ways == Counter({(w, v): 10 for w in WAYS for v in (True, False)})
        assert all(len({c.der for c in d.certificates}) >= 4 for d in years.devices)
        assert len({c.serial for d in years.devices for c in d.certificates}) == sum(
            len(d.certificates) for d in years.devices
        )
        for device in years.devices:
            latest = device.certificates[-1]
            assert latest.public_key_info == public_key_info(device.key)
            assert issued_by(latest, years.ca.issuer.parsed)
            assert not ended(latest, years.clock.now)
        assert years.verified() == 100
        told = [
            str(d) for d in years.decisions if d.kind in {"GetNextCACert", "RenewalReq"} and "renews its own" in str(d)
        ]
        assert len(told) == 3, told
    finally:
        years.close()
