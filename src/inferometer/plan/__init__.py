"""The plan: the spec resolved against the catalog. Writers read nothing else.

`resolve` makes it, and reports everything that can be known to be wrong before a file is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from inferometer.catalog import ENGINES, HOST, MONITORING, RECORDER
from inferometer.catalog.signal import version
from inferometer.errors import SpecError
from inferometer.names import BACKEND, INSTANCE, JOB
from inferometer.plan import objectives, platform, proxies, reach, routers, routes, settings, targets
from inferometer.plan.objectives import Objective
from inferometer.plan.proxies import Proxy
from inferometer.plan.settings import Settings
from inferometer.plan.sources import Sources
from inferometer.plan.targets import Target
from inferometer.plan.view import View
from inferometer.promql import Matcher
from inferometer.spec.load import LoadedSpec
from inferometer.spec.model import Spec
from inferometer.units import format_duration

# Variables of every board. The first three are labels that our scrape configurations give; a foreign Prometheus has at
# least job and instance, and "All" lets series without the label in.
BOARD_MATCHERS = (Matcher(JOB, "=~", "$job"), Matcher(BACKEND, "=~", "$backend"), Matcher(INSTANCE, "=~", "$instance"))
BOARD_WINDOW = "$__rate_interval"
RULE_WINDOW = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that writers need.

    `sources` says who tells what, `settings` holds the alerts' knobs, `proxies` are the recorded backends with the
    addresses for their clients.
    """

    spec: Spec
    sources: Sources
    targets: tuple[Target, ...]
    objectives: tuple[Objective, ...]
    settings: Settings
    proxies: tuple[Proxy, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Model names in the spec's order: a model has one colour on every panel."""
        listed = [*self.spec.models, *(model for backend in self.spec.backends for model in backend.models)]
        return tuple(dict.fromkeys(listed))

    @property
    def recorder(self) -> bool:
        """Whether our exporter stands before anything."""
        return self.sources.recorder is not None

    def board(self) -> View:
        """How a board asks: Grafana's window and variables."""
        return View(self.sources, BOARD_WINDOW, BOARD_MATCHERS, model="$model")

    def rule(self, seconds: int = RULE_WINDOW) -> View:
        """How a rule asks: a fixed window, everything that is scraped."""
        return View(self.sources, self.window(seconds))

    def hosts(self, view: View) -> View:
        """The same question put to node_exporter."""
        return View(Sources((HOST,)), view.window)

    def monitoring(self, view: View) -> View:
        """The same question put to the parts of the monitoring itself."""
        return View(Sources(MONITORING[self.spec.storage.kind]), view.window)

    def window(self, seconds: int) -> str:
        return format_duration(self.settings.window(seconds))


def resolve(loaded: LoadedSpec) -> Plan:
    """The plan of a spec. Raises SpecError with every problem found."""
    spec, source = loaded.spec, loaded.source
    problems = []
    versions: dict[str, set[tuple[int, ...] | None]] = {}
    for index, backend in enumerate(spec.backends):
        try:
            known = version(backend.version) if backend.version else None
        except ValueError:
            hint = f'write it as the server prints it, such as "{ENGINES[backend.engine].tested or "1.0"}"'
            problems.append(
                source.problem("IM305", ("backends", index, "version"), f'"{backend.version}" is no version', hint)
            )
            known = None
        versions.setdefault(backend.engine, set()).add(known)
    sources = Sources(
        engines=tuple(profile for name, profile in ENGINES.items() if name in versions),
        recorder=RECORDER if spec.recorded else None,
        routers=routers.resolve(spec),
        # One backend of unknown version, and any version may be there.
        versions={
            engine: frozenset() if None in seen else frozenset(v for v in seen if v is not None)
            for engine, seen in versions.items()
        },
    )
    slos, wrong_slos = objectives.resolve(spec, source, sources)
    knobs, wrong_knobs = settings.resolve(spec, source)
    problems += [*wrong_slos, *wrong_knobs, *platform.problems(spec, source), *routers.problems(spec, source)]
    problems += reach.problems(knobs, source, sources)
    problems += routes.problems(spec, source)
    if problems:
        raise SpecError(problems)
    return Plan(spec, sources, targets.resolve(spec), tuple(slos), knobs, proxies.resolve(spec))


__all__ = [
    "BOARD_MATCHERS",
    "BOARD_WINDOW",
    "RULE_WINDOW",
    "Objective",
    "Plan",
    "Proxy",
    "Settings",
    "Target",
    "View",
    "resolve",
]
