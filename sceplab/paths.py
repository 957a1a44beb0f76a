"""Folders of the files that come with sceplab.

Rule: names of folders only; nothing is opened here.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = _PACKAGE / "shipped"
"""Where a wheel has them (see pyproject.toml); a checkout has them beside the package."""

SHIPPED = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent
"""The folder of the notebooks, their data and the documentation."""
DATA = SHIPPED / "data"
"""The specimen and the foreign captures."""
SPECIMEN = DATA / "specimen"
"""The capture that the notebooks decode, with its keys and certificates."""
NOTEBOOKS = SHIPPED / "notebooks"
"""The notebooks, with stored outputs."""
