"""Opening a connection for a request, and what to do when there is none to be had."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from inferometer_exporter.names import Reason
from inferometer_exporter.proxy.upstream import SHUNNED, Upstream

if TYPE_CHECKING:
    from inferometer_exporter.proxy.exchange import Exchange


async def connect(exchange: Exchange, upstream: Upstream) -> None:
    """Give the exchange a new connection, or have it try the backend's next address, or fail."""
    try:
        connection = await upstream.connect()
    except TimeoutError:
        _unreachable(exchange, upstream, Reason.TIMEOUT, 504, "the server did not accept a connection in time")
    except (OSError, ValueError):  # also names that cannot be resolved, and certificates that are refused
        _unreachable(exchange, upstream, Reason.UNREACHABLE, 502, "the server cannot be reached")
    else:
        if exchange.recorded:
            connection.discard()  # the client left meanwhile
        else:
            exchange.use(connection)
            exchange.flush()
            exchange.client.resume()


def _unreachable(exchange: Exchange, upstream: Upstream, reason: Reason, status: int, why: str) -> None:
    upstream.shunned_until = monotonic() + SHUNNED
    if exchange.recorded:
        return
    exchange.tried += 1
    if exchange.tried < len(exchange.route.upstreams) and not exchange.retried:
        upstream.active -= 1
        exchange.start()
        exchange.flush()
        exchange.client.resume()
    else:
        exchange.failed(reason, status, why)
