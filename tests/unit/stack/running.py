"""Real servers on generated files, started as a user starts them: in the configuration's folder, with its flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.parts import servers
from tests.parts.binaries import Generation, find
from tests.parts.listening import Listening
from tests.unit.stack import trees


@dataclass(frozen=True, slots=True)
class Tree:
    """A spec's files with secrets (name → content) and rules beside them, some words replaced for the test's sake."""

    spec: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    rules: str = "groups: []\n"
    replaced: Mapping[str, str] = field(default_factory=dict)

    def put(self, folder: Path) -> None:
        trees.lay_out(self.spec, folder, self.rules)
        for path in [*folder.rglob("*.yml"), *folder.rglob("*flags")]:
            text = path.read_text()
            for old, new in self.replaced.items():
                text = text.replace(old, new)
            path.write_text(text)
        for name, text in self.secrets.items():
            place = folder / "stack/secrets" / name
            place.parent.mkdir(exist_ok=True)
            place.write_text(text)


def started(folder: Path, program: Path, flags: str, *own: str) -> Sequence[str | Path]:
    """The command line: the folder's flags except where to listen, which the test says itself."""
    generated = (folder / flags).read_text().splitlines()
    kept = [flag for flag in generated if not flag.startswith(("--web.listen-address", "-httpListenAddr"))]
    return ["env", f"--chdir={folder}", program, *kept, *own]


class Prometheus(servers.Prometheus):
    """Prometheus on the files of a tree."""

    def __init__(self, tree: Tree, generation: Generation = "new") -> None:
        super().__init__()
        self._tree = tree
        self._program = find("prometheus", generation)

    def prepare(self) -> None:
        self._tree.put(self.folder / "tree")

    def command(self) -> Sequence[str | Path]:
        own = (
            f"--web.listen-address={self.address}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            # An alert of the very first evaluation finds no Alertmanager yet and is sent again only after this time.
            "--rules.alert.resend-delay=1s",
        )
        return started(self.folder / "tree/stack/prometheus", self._program, "flags", *own)


class Vmagent(servers.Vmagent):
    """vmagent on the files of a tree."""

    def __init__(self, tree: Tree, generation: Generation = "new") -> None:
        super().__init__("", "", generation)
        self._tree = tree

    def prepare(self) -> None:
        self._tree.put(self.folder / "tree")

    def command(self) -> Sequence[str | Path]:
        own = (
            f"-httpListenAddr={self.address}",
            f"-remoteWrite.tmpDataPath={self.folder / 'queue'}",
            "-remoteWrite.flushInterval=200ms",
        )
        return started(self.folder / "tree/stack/victoriametrics", self._program, "vmagent.flags", *own)


class Vmalert(servers.Vmalert):
    """vmalert on the files of a tree. It looks at what is there now, not 30 s ago."""

    def __init__(self, tree: Tree) -> None:
        super().__init__({}, "")
        self._tree = tree

    def prepare(self) -> None:
        self._tree.put(self.folder / "tree")

    def command(self) -> Sequence[str | Path]:
        own = (f"-httpListenAddr={self.address}", "-rule.evalDelay=0s", "-remoteWrite.flushInterval=200ms")
        return started(self.folder / "tree/stack/victoriametrics", self._program, "vmalert.flags", *own)


class Alertmanager(servers.Alertmanager):
    """Alertmanager on the files of a tree."""

    def __init__(self, tree: Tree) -> None:
        super().__init__("")
        self._tree = tree

    def prepare(self) -> None:
        self._tree.put(self.folder / "tree")

    def command(self) -> Sequence[str | Path]:
        own = (f"--web.listen-address={self.address}", f"--storage.path={self.folder / 'data'}")
        return started(self.folder / "tree/stack/alertmanager", self._program, "flags", *own)


class Metrics(Listening):
    """A target on loopback: what it shows depends on the request's path (with the query) and headers; "" is a 401."""

    def __init__(self, shown: Callable[[str, Mapping[str, str]], str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = shown(self.path, dict(self.headers)).encode()
                self.send_response(200 if body else 401)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the samples say what was asked."""

        super().__init__(Handler)
