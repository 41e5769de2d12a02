"""Small HTTP requests to servers on loopback, past any proxy that the environment names."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class HttpError(Exception):
    """The server answered with an error: its code and its words."""

    def __init__(self, url: str, code: int, text: str) -> None:
        super().__init__(f"{url} answered {code}: {text.strip()[:2000]}")
        self.code = code
        self.text = text


def request(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float = 30
) -> bytes:
    """The answer's body. With a body it is a POST. Raises HttpError, and OSError where nobody answers."""
    try:
        with _DIRECT.open(urllib.request.Request(url, body, dict(headers or {})), timeout=timeout) as answer:
            data: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise HttpError(url, error.code, error.read().decode(errors="replace")) from None
    return data


def get_json(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """As `request`, with the answer read as JSON."""
    return json.loads(request(url, body, headers))


def post_json(url: str, value: object, timeout: float = 30) -> bytes:
    return request(url, json.dumps(value).encode(), {"Content-Type": "application/json"}, timeout)
