"""What the exporter can be told: the file `exporter.yaml`, or flags that make the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

# Kinds of server that a backend may be: the label `runtime`, and what its state is asked with.
ENGINES = ("ollama", "openai", "herd", "llamacpp", "vllm", "sglang", "tgi", "litellm", "custom")

PROXY_PORT = 11436
ADMIN_PORT = 9464


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens. The host is an IP address or a name, IPv6 without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's certificate with its chain, and its key: PEM files."""

    cert_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Backend:
    """One server, or several that answer alike. Clients reach it at `listen`.

    `models` become labels before the first answer. `labels` are put on each of its series. `ca_file` holds the
    authorities that may sign its certificate, instead of the system's. `inject_usage` asks for token counts on streams
    of OpenAI's kind where the client did not, and hides the extra chunk.
    """

    name: str
    engine: str
    urls: tuple[str, ...]
    listen: Address
    models: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
    inject_usage: bool = False

    @property
    def addresses(self) -> tuple[SplitResult, ...]:
        return tuple(urlsplit(url) for url in self.urls)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. None of them limits a whole request: a model may take minutes."""

    connect: float = 5.0  # for a connection to the server
    idle: float = 900.0  # without a byte from the server while an answer is awaited, or in a kept-alive connection
    request_head: float = 10.0  # for a client to send its request's headers
    body_rate: int = 256  # bytes per second that a client must send on average once 10 s have passed
    pool_idle: float = 60.0  # that an unused connection to a server is kept
    grace: float = 25.0  # for running requests when the exporter is told to end


@dataclass(frozen=True, slots=True)
class Store:
    """Where traces are kept, for how long (seconds), and in how many bytes at most. No path: no traces."""

    path: Path | None = Path("traces.db")
    retention: float = 7 * 86400.0
    max_bytes: int = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Login:
    """What the admin port asks for: the content of a file, either a bearer token or `user:password`."""

    token_file: Path | None = None
    basic_file: Path | None = None

    @property
    def needed(self) -> bool:
        return self.token_file is not None or self.basic_file is not None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything. `expose` allows to listen beyond loopback without a login. `tags` are the tags that become labels.

    `notice` is a line that the page shows on top, such as that its data is simulated. `poll` is the time between two
    looks at a backend's state, in seconds.
    """

    backends: tuple[Backend, ...]
    admin: Address = Address("127.0.0.1", ADMIN_PORT)
    store: Store = Store()
    login: Login = Login()
    admin_tls: Tls | None = None
    proxy_tls: Tls | None = None
    expose: bool = False
    tags: tuple[str, ...] = ()
    series_limit: int = 5000
    categraf: bool = False
    notice: str = ""
    poll: float = 10.0
    timeouts: Timeouts = Timeouts()
    log_format: str = "text"
