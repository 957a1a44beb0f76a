"""Read captures, logs and pasted text into a list of `Exchange`s.

Rule: readers only; CMS is not decoded here. `read_capture` detects the format;
each format has its module. Libraries that read files are imported here, never
by the core.
"""

from sceplab.capture.detect import iter_capture, read_capture
from sceplab.capture.reading import Capture, Unread

__all__ = ["Capture", "Unread", "iter_capture", "read_capture"]
