"""Answers of our own, where there is none of the server's: in the shape of the API that was called."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from inferometer_exporter.observe.apis import Api, Dialect

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def refusal(status: int, why: str, path: bytes, api: Api | None, *, body: bool = True, close: bool = True) -> bytes:
    """A whole HTTP/1.1 answer. `body` is False for the answer to a HEAD, which has the length and nothing else."""
    text = msgspec.json.encode(_shaped(status, f"inferometer-exporter: {why}", path, api))
    head = (
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Error')}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n"
    )
    return head.encode() + (text if body else b"")


def _shaped(status: int, why: str, path: bytes, api: Api | None) -> dict[str, object]:
    """The error objects of Ollama, OpenAI and Anthropic, as the recorded answers of a real Ollama have them."""
    if api is not None and api.dialect is Dialect.ANTHROPIC:
        return {"type": "error", "error": {"type": "api_error", "message": why}}
    if path.startswith(b"/v1/"):
        kind = "api_error" if status >= 500 else "invalid_request_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": None}}
    return {"error": why}
