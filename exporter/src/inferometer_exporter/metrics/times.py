"""How long ago something was told, on the monotonic clock."""

from __future__ import annotations


def since(at: float | None, now: float) -> float | None:
    """Seconds since a monotonic time; None where it has not come yet."""
    return None if at is None else max(0.0, now - at)


def fresh(at: float | None, now: float, seconds: float) -> bool:
    """Whether something was told within the last seconds."""
    return at is not None and now - at <= seconds
