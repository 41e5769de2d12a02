"""The page's files, read when first asked for and kept: a closed list, so no path of a request reaches the disk."""

from __future__ import annotations

from pathlib import Path

from inferometer_exporter.admin.http import Response

_FOLDER = Path(__file__).with_name("static")
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"

FILES: dict[str, tuple[str, str]] = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/static/page.css": ("page.css", _STYLE),
    "/static/page.js": ("page.js", _SCRIPT),
    "/static/draw.js": ("draw.js", _SCRIPT),
    "/static/words.js": ("words.js", _SCRIPT),
    "/static/tabs.js": ("tabs.js", _SCRIPT),
}
"""Path → file and content type."""


class Page:
    """Some 40 KB in memory once somebody has looked at the page, none before."""

    def __init__(self) -> None:
        self._kept: dict[str, Response] = {}

    def answer(self, path: str) -> Response:
        """`path` is one of FILES."""
        if path not in self._kept:
            name, content_type = FILES[path]
            self._kept[path] = Response(200, (_FOLDER / name).read_bytes(), content_type)
        return self._kept[path]
