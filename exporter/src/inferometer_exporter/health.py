"""Whether the exporter can serve, and if not, why: what `/readyz` says."""

from __future__ import annotations

from collections.abc import Callable

from inferometer_exporter.metrics.meters import Meters


class Health:
    """`stopping` is set when the exporter was told to end. `store_problem` tells why no traces are written, or None."""

    def __init__(self, meters: Meters, store_problem: Callable[[], str | None]) -> None:
        self.stopping = False
        self._meters = meters
        self._store_problem = store_problem

    def problems(self) -> list[str]:
        """One line each; empty when all is well. A server that does not answer is one, but traffic still flows."""
        lines = ["stopping: running requests are finished, new ones are not accepted"] if self.stopping else []
        for name, backend in self._meters.backends.items():
            if backend.state.up is False:
                lines.append(f"backend {name}: the server does not answer")
        problem = self._store_problem()
        if problem is not None:
            lines.append(f"store: {problem}")
        return lines
