"""What single keys cannot show: names and addresses that are in each other's way, and ports open to the network."""

from __future__ import annotations

from collections.abc import Sequence, Set

from inferometer_exporter.config import places
from inferometer_exporter.config.hosts import is_loopback
from inferometer_exporter.config.model import Backend, Config
from inferometer_exporter.config.reading import Problems

_ADMIN = ("admin",)


def check(config: Config, backends: Sequence[Backend | None], wrong: Set[str], problems: Problems) -> None:
    """Notes every such problem. `backends` are as they stand in the file, None for a wrong one; `wrong` are the top
    keys whose values in `config` are not the user's, because those cannot be read: nothing is said of them.
    """
    good = [(index, backend) for index, backend in enumerate(backends) if backend is not None]
    _names(good, problems)
    _listeners(config, good, "admin" not in wrong, problems)
    if "expose" not in wrong and not config.expose:
        _exposed(config, good, not {"admin", "login"} & wrong, problems)


def _names(backends: Sequence[tuple[int, Backend]], problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, backend in backends:
        before = first.setdefault(backend.name, index)
        if before != index:
            message = f"'{backend.name}' is the name of backends[{before}] already"
            problems.add(("backends", index, "name"), message, "give each backend a name of its own")


def _listeners(config: Config, backends: Sequence[tuple[int, Backend]], admin: bool, problems: Problems) -> None:
    listeners = [("the admin port", config.admin)] if admin else []
    for index, backend in backends:
        path = ("backends", index, "listen")
        for owner, address in listeners:
            if places.same(address, backend.listen):
                problems.add(path, f"{backend.listen} is taken by {owner}", "listen on another port")
        listeners.append((f"backends[{index}]", backend.listen))
    for index, backend in backends:
        for number, url in enumerate(backend.urls):
            if any(places.leads_to(places.dialled(url), address) for _, address in listeners):
                message = "is where the exporter itself listens"
                problems.add(("backends", index, "urls", number), message, "write where the server listens")


def _exposed(config: Config, backends: Sequence[tuple[int, Backend]], admin: bool, problems: Problems) -> None:
    for index, backend in backends:
        if not is_loopback(backend.listen.host):
            message = f"{backend.listen} can be reached from other machines"
            problems.add(("backends", index, "listen"), message, "listen on 127.0.0.1, or allow it with expose")
    if admin and not config.login.needed and not is_loopback(config.admin.host):
        remedy = "listen on 127.0.0.1, ask for a login, or allow it with expose"
        problems.add(_ADMIN, f"{config.admin} can be reached from other machines", remedy)
