"""The tree of generated files: made in memory, compared with a folder, written all or nothing.

Writers return plain values (`from_values`); `write` and `compare` take a whole `Bundle`; `report` turns their answer
into text for people.
"""

from __future__ import annotations

from inferometer.bundle.census import Census, census
from inferometer.bundle.compare import Change, Changes, compare
from inferometer.bundle.faults import FolderError, HandEditError
from inferometer.bundle.report import report
from inferometer.bundle.staging import settle
from inferometer.bundle.tree import MANIFEST, OVERLAYS, STAGING, Bundle, File, Json, Text, Yaml, from_values, merge
from inferometer.bundle.write import write

__all__ = [
    "MANIFEST",
    "OVERLAYS",
    "STAGING",
    "Bundle",
    "Census",
    "Change",
    "Changes",
    "File",
    "FolderError",
    "HandEditError",
    "Json",
    "Text",
    "Yaml",
    "census",
    "compare",
    "from_values",
    "merge",
    "report",
    "settle",
    "write",
]
