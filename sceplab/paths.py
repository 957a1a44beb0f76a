"""Folders of the files that come with sceplab.

Rule: names of folders only; nothing is opened here.
"""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
"""The specimen and the foreign captures; they come with a checkout, not with the package."""
SPECIMEN = DATA / "specimen"
"""The capture that the notebooks decode, with its keys and certificates."""
