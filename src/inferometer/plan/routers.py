"""Recorded backends that pass requests on to others: what the exporter sees there, an engine behind may tell again."""

from __future__ import annotations

from collections.abc import Iterator

from inferometer.catalog import ENGINES
from inferometer.catalog import signals as s
from inferometer.errors import Problem, listed
from inferometer.plan.sources import Router
from inferometer.spec.load import Source
from inferometer.spec.model import Backend, Spec


def resolve(spec: Spec) -> tuple[Router, ...]:
    """Each recorded backend with others of the fleet behind it, in the spec's order."""
    return tuple(
        Router(backend.name, tuple((ENGINES[one.engine], one.recorded) for one in _ends(spec, backend)))
        for backend in spec.recorded
        if backend.behind
    )


def problems(spec: Spec, source: Source) -> Iterator[Problem]:
    """A router whose requests are told again by some of the servers behind it, and not by others.

    Counting what the exporter sees before it would count some twice, leaving it out would lose the others.
    """
    for index, backend in enumerate(spec.backends):
        if not (backend.recorded and backend.behind):
            continue
        ends = {
            one.name: one.recorded or ENGINES[one.engine].source(s.REQUESTS) is not None for one in _ends(spec, backend)
        }
        mute = [name for name, told in ends.items() if not told]
        if mute and len(mute) < len(ends):
            message = f"behind {backend.name} some servers count their requests and {listed(mute, 'and')} does not"
            hint = f"put the exporter before {listed(mute, 'and')} too: `record: true`"
            yield source.problem("IM309", ("backends", index, "behind"), message, hint)


def _ends(spec: Spec, backend: Backend) -> Iterator[Backend]:
    """The servers at the ends of the paths behind a router; a recorded one on the way is an end, for it tells."""
    named = {one.name: one for one in spec.backends}
    for name in backend.behind:
        one = named[name]
        if one.behind and not one.recorded:
            yield from _ends(spec, one)
        else:
            yield one
