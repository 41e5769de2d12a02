"""METRICS.md, made from the table: `python -m inferometer_exporter.metrics METRICS.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inferometer_exporter.config.model import Config
from inferometer_exporter.metrics import meters as m
from inferometer_exporter.metrics import table as t
from inferometer_exporter.metrics.labels import MAX_LENGTH
from inferometer_exporter.metrics.table import Family, Kind
from inferometer_exporter.names import DropReason, Reason

_LIMIT = Config.__dataclass_fields__["series_limit"].default


def document() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_sections(), _NAMES, _REASONS, *_buckets()))


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


_HEAD = """\
# Metrics of inferometer-exporter

Made by `python -m inferometer_exporter.metrics METRICS.md` from the table in the code; do not edit.

- Every series of a backend has `backend`, `runtime` (the kind of server, `engine` in the configuration) and the
  backend's own `labels`.
- `api` is a route's template, such as `/api/chat`; never a raw path.
- Times are seconds of the monotonic clock. Tokens that an answer does not tell are not added.
- ● marks what Inferometer's boards, rules and alerts read; the rest is for your own queries.
"""

_REQUESTS = "A histogram holds all requests of a model that have the time in question, whatever their route."

_SERVERS = f"""\
Each server is looked at in the background; a scrape never waits for one. What a server told of itself is shown for
three polls, and is gone at once when the server is down. At most {m.MAX_LOADED} loaded models of a backend are shown by
name ({m.MAX_LOADED_HERD} of a Herd), the largest first; the rest add up in `other`."""

_HERD = f"""\
All of these are there only for a backend with `engine: herd`, and all but the ages only while Herd says so. At most
{m.MAX_NODES} nodes, {m.MAX_QUEUES} queues, {m.MAX_CHECKS} findings and {m.MAX_VITALS} vitals are shown;
`{t.HIDDEN.name}` counts what is beyond. The nearest to a node that is dead while Herd calls it
online is its `{t.NODE_LOADED.name}`, which falls to 0."""

_ITSELF = f"""\
Of the process, where there is a /proc: {_words(t.PROCESS[:3])},
{_words(t.PROCESS[3:])}."""

_CATEGRAF = """\
Only with `categraf: true`, for boards made for Categraf's Ollama plugin. They hold all backends together, and quantiles
that cannot be added up: new boards should read the histograms."""

_NAMES = f"""\
## Names that others choose

The whole exporter shows at most {_LIMIT:,} series (`series_limit`), whatever clients and servers send. What the
configuration itself asks for is always there: listed models, tags, addresses, and `other`. The rest is given out, first
come, first served:

- A model gets series of its own when the configuration lists it, when a server answered 2xx for it, or when the server
  says that it can serve it and its first request has ended. All others are `other`.
- A model that is loaded, and was never asked for, shows in `{t.MODEL_LOADED.name}` and the sizes only.
- A further route of a model costs a little more; without room it is counted under `api="other"`.
- A backend shows at most {m.MAX_FALLBACKS} pairs of models as fallbacks; beyond, the model asked for is `other`.
- Each request whose name was folded adds to `{t.LABELS_REJECTED.name}`, by label:
  {_words(t.REJECTABLE)}.
- Tags become labels only where the configuration names them. Others are normal, so they are not counted as rejected;
  the trace store has them all.
- A name is cut to {MAX_LENGTH} characters, and all but letters, digits and `._:/@+-` become `_`. Names that are then
  equal share a series. Models that the configuration lists keep their names as they are.
- For Ollama and Herd `name:latest` and `name` are one model. Its label is `name`, unless the configuration lists it the
  other way.
- Listed models show their counters at 0 from the start, so that a rate sees the first request and the first failure:
  for {_words(m.OLLAMA_APIS)} (Ollama, Herd) or {_words(m.MAIN_APIS)} (others). `other` does for the first of these.
- Ollama tells a load time with every answer. Only {m.COLD_LOAD_SECONDS:g} s and more count as a load.
"""

_REASONS = f"""\
## Reasons

`{t.FAILURES.name}`, where the first two are no server's fault and no alert counts them:

{"".join(f"- `{reason}`" + chr(10) for reason in Reason)}
`{t.TRACES_DROPPED.name}`:

{"".join(f"- `{reason}`" + chr(10) for reason in DropReason)}"""

SECTIONS: tuple[tuple[str, str, tuple[Family, ...]], ...] = (
    ("Requests", _REQUESTS, (*t.OF_API, *t.OF_MODEL, *t.OF_FALLBACK, *t.OF_TAG)),
    ("Servers", _SERVERS, (*t.OF_BACKEND, *t.OF_ADDRESS, *t.OF_LOADED)),
    ("Ollama Herd", _HERD, (*t.OF_HERD, *t.OF_NODE, *t.OF_QUEUE, *t.OF_CHECK, *t.OF_VITAL)),
    ("The exporter itself", _ITSELF, t.OF_EXPORTER),
    ("Categraf's names", _CATEGRAF, t.OF_CATEGRAF),
)


def _sections() -> Iterator[str]:
    for title, text, families in SECTIONS:
        yield from (f"## {title}", "", text, "", "| metric | kind | labels | meaning |", "|---|---|---|---|")
        yield from (_row(family) for family in families)
        yield ""


def _row(family: Family) -> str:
    mark = " ●" if family.read else ""
    kind = "untyped" if family.kind is Kind.UNTYPED else family.kind.value
    when = f" There {family.when}." if family.when else ""
    return f"| `{family.name}`{mark} | {kind} | {_words(family.labels) or '–'} | {family.help}{when} |"


def _buckets() -> Iterator[str]:
    yield from ("## Buckets", "", "Upper bounds in seconds; +Inf is there too.", "")
    for family in t.FAMILIES:
        if family.bounds:
            yield f"- `{family.name}`: {', '.join(f'{bound:g}' for bound in family.bounds)}"
    yield ""
