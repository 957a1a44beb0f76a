"""What people have of an enrollment, read into a list of `Exchange`s.

Rule: readers only; nothing here knows CMS. `read_capture` finds out the format;
each format has its module. Libraries that read files are imported here, never
by the core.
"""

from sceplab.capture.detect import iter_capture, read_capture
from sceplab.capture.reading import Capture, Unread

__all__ = ["Capture", "Unread", "iter_capture", "read_capture"]
