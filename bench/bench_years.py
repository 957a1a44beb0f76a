"""Simulate three years of a lab in a minute: CA rollover, RA renewal and device renewals.

Run by hand: `python bench/bench_years.py 100`. Prints the time for each year and the
number of certificates that openssl verifies at the end, which must be all of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.helpers.years import Years


def main() -> int:
    """Simulate three years; return 0 if every device holds a valid certificate."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        years = Years(Path(folder), count)
        try:
            print(f"{count} devices enrolled: {time.perf_counter() - started:.1f} s")
            for year in range(3):
                started = time.perf_counter()
                for month in range(1, 13):
                    if (year, month) == (1, 6):
                        years.ca.prepare_rollover()
                    if (year, month) == (1, 7):
                        years.ca.roll_over()
                    years.month()
                renewed = sum(len(d.certificates) - 1 for d in years.devices)
                print(f"year {year + 1}: {time.perf_counter() - started:.1f} s, {renewed} renewals so far")
            verified = years.verified()
            print(f"RA renewed {len(years.ra_certificates)} times; openssl verifies {verified} of {count} certificates")
        finally:
            years.close()
    return 0 if verified == count else 1


if __name__ == "__main__":
    sys.exit(main())
