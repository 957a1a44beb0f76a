"""The walk from an HTTP request to the certificate request in it, on the specimen or on any capture.

Rule: `story` opens the exchange, `settings` finds out which, `needs` says what a
step lacks, `magic` brings `%%needs` to notebooks.
"""

from __future__ import annotations

from sceplab.walk.magic import load_ipython_extension
from sceplab.walk.settings import Settings
from sceplab.walk.story import Story, open_story

__all__ = ["Settings", "Story", "load_ipython_extension", "open_story"]
