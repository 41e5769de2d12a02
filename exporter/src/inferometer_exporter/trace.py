"""One finished request as it is stored. The proxy makes it, the store writes it; neither knows the other."""

from __future__ import annotations

from typing import NamedTuple


class Trace(NamedTuple):
    """One row of `request_traces`, in the order of its columns.

    Times are milliseconds, `timestamp` is seconds since 1970 and tells when the request arrived. None means that it
    is not known: tokens absent are not 0. Prompts, answers, keys and error texts of servers are never here:
    `error_message` is in our own words ("the server answered 503").
    """

    timestamp: float
    backend: str
    api: str  # the route's template, "/api/chat"
    model: str  # the model that answered, as the server names it; "" where it is not known
    original_model: str  # the model that the client asked for; "" where it is not known
    node_id: str  # the node that answered, by Herd's header; else the backend's name
    status: str  # of names.Status
    latency_ms: float
    time_to_first_token_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    retry_count: int = 0
    fallback_used: bool = False
    score: float | None = None
    client_ip: str = ""
    original_format: str = ""  # "ollama", "openai" or "anthropic", as Herd has it
    error_message: str | None = None
    tags: tuple[str, ...] = ()
    finish_reason: str | None = None
    http_status: int | None = None
    load_ms: float | None = None
    stream: bool | None = None
