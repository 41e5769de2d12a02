"""What all boards share: variables, annotations, the menu, and the words for a backend's state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inferometer import promql as p
from inferometer.catalog import RECORDER
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile
from inferometer.dashboards import links, look, variables
from inferometer.dashboards.grafana import Variable, Viz
from inferometer.dashboards.layout import COLUMNS, Board, Row
from inferometer.dashboards.look import Json
from inferometer.names import BACKEND, INSTANCE, JOB, MODEL, PRODUCT, RUNTIME, TITLE, board_uid
from inferometer.plan import BOARD_MATCHERS, Plan, View
from inferometer.plan.sources import escaped, one_of
from inferometer.plan.view import spellings
from inferometer.promql import Binary, Expr, Number, Selector

NARROWEST = 3
TAGS = (PRODUCT, "llm")

# Values of `serving_state`: some of a backend's replicas may be down while it still serves.
SERVING, DEGRADED, DOWN = 2, 1, 0
STATES = look.Words({SERVING: ("SERVING", look.GOOD), DEGRADED: ("DEGRADED", look.SOON), DOWN: ("DOWN", look.BAD)})


def board(
    plan: Plan,
    key: str,
    title: str,
    description: str,
    rows: Sequence[Row | None],
    profiles: Sequence[Profile] | None = None,
) -> Board:
    """A board with the frame around its rows; `profiles` narrow its variables to some engines."""
    engines = tuple(profiles) if profiles is not None else plan.sources.engines
    return Board(
        uid=board_uid(key),
        title=title,
        description=description,
        rows=[row for row in rows if row],
        tags=TAGS,
        variables=_variables(plan, engines),
        annotations=_annotations(plan) if engines else [],
        links=[links.menu(TITLE, PRODUCT)],
        interval=plan.spec.storage.scrape_interval,
    )


def heartbeats(plan: Plan, engines: Sequence[Profile]) -> list[str]:
    """Names of the series that a living server always has, in both spellings."""
    beats = [profile.heartbeat for profile in engines if profile.heartbeat]
    if plan.recorder and any(not profile.source(s.REQUESTS) for profile in engines):
        beats.append(RECORDER.sources[s.BACKEND_UP.key].metrics[0])
    return [spelled for beat in beats for spelled in spellings(beat.names[0].name)]


def _variables(plan: Plan, engines: Sequence[Profile]) -> list[Variable]:
    if not engines:
        return [variables.datasource()]
    names = heartbeats(plan, engines)
    selector = f'{{__name__=~"{"|".join(escaped(name) for name in names)}"}}'
    models = View(plan.sources.only([profile.engine for profile in engines]), "$__range").names(s.TOKENS_OUT, MODEL)
    return [
        variables.datasource(),
        # No `.*` behind "All" here: it would let in jobs that are no servers of models.
        variables.query_result(JOB, "Job", _jobs(names, engines).text(), JOB, all_value=None),
        variables.label_values(BACKEND, "Backend", selector, BACKEND, all_value=".*"),
        variables.label_values(INSTANCE, "Instance", selector, INSTANCE, all_value=".*"),
        variables.query_result(MODEL, "Model", models.text(), MODEL, all_value=".*"),
    ]


def _jobs(names: Sequence[str], engines: Sequence[Profile]) -> Expr:
    """The jobs of servers that told something in the board's time, and of those that our own scrapes say are servers.

    The latter by `up`: a server that never answered has no other series, and must not vanish from the board.
    """
    ours = Selector("up", (one_of(RUNTIME, [profile.engine for profile in engines]),))
    seen = [p.call("present_over_time", each.over("$__range")) for each in (*map(Selector, names), ours)]
    return p.union(p.Aggregate("group", each, (JOB,)) for each in seen)


def serving_state(plan: Plan, by: Sequence[str] = (BACKEND,)) -> Expr:
    """2 where all targets of a backend answer, 1 where some do, 0 where none does. Reads `up` and the recorder's."""
    up: Expr = Selector("up", BOARD_MATCHERS)
    recorder = RECORDER.heartbeat
    if plan.recorder and recorder:
        beat = Selector(recorder.names[0].name)
        recorded = RECORDER.sources[s.BACKEND_UP.key].metrics[0].names[0].name
        # The exporter's own `up` is not a backend's; what it reaches is.
        up = p.union([Binary("unless", up, beat, on=(JOB, INSTANCE)), Selector(recorded, BOARD_MATCHERS)])
    share = p.Aggregate("avg", p.first_label(up, BACKEND, (BACKEND, INSTANCE)), tuple(by))
    return Binary("+", Binary("==", share, Number(1), bool_=True), Binary(">", share, Number(0), bool_=True))


def _annotations(plan: Plan) -> list[Json]:
    return [links.alerts('backend=~"$backend|"'), links.restarts(_restarts(plan).text())]


def _restarts(plan: Plan) -> Expr:
    """Answers where a server's counter of generated tokens began again."""
    branches = plan.sources.branches(s.TOKENS_OUT)
    names = [branch.source.metrics[0].names[0].name for branch in branches]
    resets = [Selector(name, BOARD_MATCHERS, window="$__interval") for name in names]
    return Binary(">", p.Aggregate("sum", p.union(p.call("resets", each) for each in resets), (INSTANCE,)), Number(0))


def numbers(*tiles: Viz | None) -> list[Viz]:
    """Number tiles side by side over the whole width, at most eight of them: the rest would not be read."""
    told = [tile for tile in tiles if tile][: COLUMNS // NARROWEST]
    return [tile.sized(max(NARROWEST, COLUMNS // len(told))) for tile in told]


def row(title: str, *contents: Viz | Iterable[Viz | None] | None, collapsed: bool = False) -> Row | None:
    """A row of the panels that there are; None where there are none."""
    flat: list[Viz] = []
    for content in contents:
        flat += [content] if isinstance(content, Viz) else [viz for viz in content or () if viz]
    return Row(title, *flat, collapsed=collapsed) if flat else None
