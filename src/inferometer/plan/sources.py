"""Who counts: for each signal and runtime exactly one source feeds a fleet's sums.

A token that passes a gateway, a recorder and an engine is seen three times. The engine's own figure counts where
there is one; else the recorder's series of that runtime, which carry the runtime as a label, so that nothing needs to
be known of who stands before whom. A gateway counts only for the providers that nothing else sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from inferometer.catalog.signal import Profile, Ratio, Signal, Source, Version
from inferometer.names import BACKEND, RUNTIME
from inferometer.promql import Matcher


@dataclass(frozen=True, slots=True)
class Branch:
    """One source of one signal: what is asked, and of which runtimes it tells.

    `matchers` choose the series that count here: a recorder's of these runtimes, a gateway's of providers outside.
    `versions` are the versions in the fleet (none: any).
    """

    profile: Profile
    source: Source
    runtimes: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()
    versions: frozenset[Version] = frozenset()


@dataclass(frozen=True, slots=True)
class Router:
    """A recorded backend that only passes requests on to others of the fleet.

    `behind` holds each of these: its profile, and whether the exporter records it too.
    """

    backend: str
    behind: tuple[tuple[Profile, bool], ...]

    def repeats(self, needed: Sequence[Signal]) -> bool:
        """Whether what the recorder sees before the router is told again behind it."""
        return all(recorded or all(profile.source(s) for s in needed) for profile, recorded in self.behind)


@dataclass(frozen=True, slots=True)
class Sources:
    """The profiles in use and the choice between them.

    `engines` are the runtimes of the fleet in the catalog's order; `recorder` is None where no exporter stands before
    anything, and `routers` are the backends of which its series would count requests a second time; `gateways` hold
    each gateway's providers that nothing else sees.
    """

    engines: tuple[Profile, ...]
    recorder: Profile | None = None
    routers: tuple[Router, ...] = ()
    gateways: tuple[tuple[Profile, tuple[str, ...]], ...] = ()
    versions: Mapping[str, frozenset[Version]] = field(default_factory=dict)

    def only(self, runtimes: Sequence[str]) -> Sources:
        """The same choice for some runtimes: an engine's board, or an SLO that covers a part of the fleet."""
        return replace(
            self,
            engines=tuple(profile for profile in self.engines if profile.engine in runtimes),
            gateways=tuple(gateway for gateway in self.gateways if gateway[0].engine in runtimes),
        )

    def branches(self, signal: Signal, across: bool = True) -> tuple[Branch, ...]:
        """The sources that count for `signal`, none where nobody tells it.

        `across` backends a router's requests would be counted twice; backend by backend it stands for itself.
        """
        return self._chosen([signal], signal, across)

    def pair(self, ratio: Ratio, across: bool = True) -> tuple[tuple[Branch, ...], tuple[Branch, ...]]:
        """The sources of a ratio's part and whole, from the same vantage for each runtime.

        Failures that the recorder saw over requests that the engine counted would mix two sets of requests.
        """
        both = [ratio.part, ratio.whole]
        return self._chosen(both, ratio.part, across), self._chosen(both, ratio.whole, across)

    def tells(self, signal: Signal | Ratio) -> bool:
        return bool(self.branches(signal) if isinstance(signal, Signal) else self.pair(signal)[0])

    def silent(self, signal: Signal | Ratio) -> tuple[Profile, ...]:
        """The runtimes of which nobody tells this signal."""
        branches = self.branches(signal) if isinstance(signal, Signal) else self.pair(signal)[0]
        heard = {runtime for branch in branches for runtime in branch.runtimes}
        return tuple(profile for profile in self.engines if profile.engine not in heard)

    def _chosen(self, needed: Sequence[Signal], signal: Signal, across: bool) -> tuple[Branch, ...]:
        own = [profile for profile in self.engines if all(profile.source(s) for s in needed)]
        branches = [
            Branch(
                profile,
                profile.sources[signal.key],
                (profile.engine,),
                versions=self.versions.get(profile.engine, frozenset()),
            )
            for profile in own
        ]
        rest = tuple(profile.engine for profile in self.engines if profile not in own)
        if self.recorder and rest and all(self.recorder.source(s) for s in needed):
            twice = [r.backend for r in self.routers if across and r.repeats(needed) and self._asks_behind(r)]
            source = self.recorder.sources[signal.key]
            chosen = (one_of(RUNTIME, rest), *none_of(BACKEND, twice)) if source.per_runtime else ()
            branches.append(Branch(self.recorder, source, rest, chosen))
        for gateway, providers in self.gateways:
            if providers and gateway.provider_label and all(gateway.source(s) for s in needed):
                outside = one_of(gateway.provider_label, providers)
                branches.append(Branch(gateway, gateway.sources[signal.key], (gateway.engine,), (outside,)))
        return tuple(branches)

    def _asks_behind(self, router: Router) -> bool:
        """Whether the servers behind a router are part of this choice: else it is the only one that tells."""
        return any(profile in self.engines for profile, _ in router.behind)


def one_of(label: str, values: Sequence[str]) -> Matcher:
    """A matcher for one of some literal values, as short as it can be written."""
    if len(values) == 1:
        return Matcher(label, "=", values[0])
    return Matcher(label, "=~", "|".join(escaped(value) for value in values))


def none_of(label: str, values: Sequence[str]) -> tuple[Matcher, ...]:
    """No matcher for no values, else one that leaves them out."""
    if not values:
        return ()
    if len(values) == 1:
        return (Matcher(label, "!=", values[0]),)
    return (Matcher(label, "!~", "|".join(escaped(value) for value in values)),)


def escaped(value: str) -> str:
    """`value` as a literal inside a regular expression (RE2 and Go's syntax)."""
    return "".join("\\" + c if c in r"\.+*?()|[]{}^$" else c for c in value)
