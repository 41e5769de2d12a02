"""Where clients send their requests: one address of the exporter for each recorded backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inferometer.spec.address import Address
from inferometer.spec.listen import LOOPBACK
from inferometer.spec.model import Backend, Spec

# The first port that is given where the spec says none; the next backend takes the next free one.
FIRST_PORT = 11436


@dataclass(frozen=True, slots=True)
class Proxy:
    """A recorded backend, and the address that its clients use instead of the server's."""

    backend: Backend
    address: Address

    @property
    def variable(self) -> str:
        """The environment variable by which clients are told, with its value: Ollama's own, else OpenAI's."""
        if self.backend.engine == "ollama":
            return f"OLLAMA_HOST={self.reached.url}"
        return f"OPENAI_BASE_URL={self.reached.url}/v1"

    @property
    def reached(self) -> Address:
        """The address as a client on the same machine writes it: who listens everywhere is reached by loopback."""
        return Address("http", LOOPBACK, self.address.port) if self.address.unspecified else self.address


def resolve(spec: Spec) -> tuple[Proxy, ...]:
    """The spec's recorded backends in its order, with their addresses."""
    taken = set(_taken(spec))
    proxies = []
    port = FIRST_PORT
    for backend in spec.recorded:
        if backend.listen is None:
            while port in taken:
                port += 1
            taken.add(port)
        proxies.append(Proxy(backend, backend.listen or Address("http", LOOPBACK, port)))
    return tuple(proxies)


def _taken(spec: Spec) -> Iterator[int]:
    """Ports that somebody on the exporter's machine has."""
    yield spec.exporter.target.port
    yield from (backend.listen.port for backend in spec.recorded if backend.listen is not None)
    yield from (address.port for backend in spec.backends for address in backend.targets if address.loopback)
    yield from (host.target.port for host in spec.hosts if host.target.loopback)
