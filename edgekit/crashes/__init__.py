"""Text from a board -> crashes; a crash and an ELF -> where it happened, and why."""

from edgekit.crashes.crash import Access, Architecture, Crash, CrashKind
from edgekit.crashes.diagnosis import Diagnosis, Frame, symbolize
from edgekit.crashes.image import Image, open_image
from edgekit.crashes.operators import OperatorPlace
from edgekit.crashes.parsing import CrashReader, parse
from edgekit.crashes.text import calls, lines, summary, title

__all__ = [
    "Access",
    "Architecture",
    "Crash",
    "CrashKind",
    "CrashReader",
    "Diagnosis",
    "Frame",
    "Image",
    "OperatorPlace",
    "calls",
    "lines",
    "open_image",
    "parse",
    "summary",
    "symbolize",
    "title",
]
