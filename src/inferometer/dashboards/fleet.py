"""The fleet's board: is it fine, since when not, where, why."""

from __future__ import annotations

from inferometer import promql as p
from inferometer.catalog import signals as s
from inferometer.dashboards import links, look, panels
from inferometer.dashboards.frame import DOWN, STATES, board, numbers, row, serving_state
from inferometer.dashboards.grafana import Viz
from inferometer.dashboards.hosts import host_row
from inferometer.dashboards.kit import Kit
from inferometer.dashboards.layout import Board
from inferometer.dashboards.tables import Label, Measure, table
from inferometer.names import BACKEND, MODEL, RUNTIME, board_uid
from inferometer.plan import Plan
from inferometer.promql import Binary, Number

WHO = (BACKEND, RUNTIME, MODEL)


def fleet(plan: Plan) -> Board:
    kit = Kit(plan, plan.board())
    rows = [
        row("", numbers(_serving(plan),
            kit.number("Errors", s.ERROR_RATIO, "Share of requests that failed. Clients that left are not counted.",
                       alert="ErrorRatioHigh", status=True, decimals=2),
            kit.number("First token", s.TIME_TO_FIRST_TOKEN, "95 of 100 requests see their first token within this time, on the slowest engine.",
                       alert="FirstTokenSlow", decimals=2),
            kit.number("Requests", s.REQUESTS, "Requests that ended, per second.", decimals=1),
            kit.number("Tokens out", s.TOKENS_OUT, "Tokens generated per second.", colour=look.GENERATED),
            kit.number("Tokens in", s.TOKENS_IN, "Prompt tokens read per second, those from a cache included.", colour=look.PROMPT),
            kit.number("Waiting", s.WAITING, "Requests in the engines' queues.", alert="QueueLong", decimals=0),
            kit.number("KV cache max", s.KV_CACHE_USAGE, "The fullest KV cache of any backend.", alert="KvCacheSaturated", decimals=0)),
            _timeline(plan), _table(plan, kit)),
        row("Is it fast?",
            kit.percentiles("Time to first token", s.TIME_TO_FIRST_TOKEN,
                            "From a request's arrival to its first generated token. Quantiles come from buckets, by engine; of several engines the slowest.",
                            alert="FirstTokenSlow"),
            kit.distributions("First tokens, every request", s.TIME_TO_FIRST_TOKEN,
                              "How many requests a second saw their first token within each span of time."),
            kit.by("First token p95 by backend", s.TIME_TO_FIRST_TOKEN, "Who is slow.", BACKEND, alert="FirstTokenSlow"),
            kit.by("Time between tokens p95 by model", s.TIME_PER_OUTPUT_TOKEN, "The pace that a reader sees.", MODEL, alert="TokensSlow"),
            kit.by("Request duration p95 by model", s.REQUEST_DURATION, "From arrival to the last token.", MODEL)),
        row("Is it failing?",
            kit.by("Error ratio by backend", s.ERROR_RATIO, "Share of requests that failed.", BACKEND, alert="ErrorRatioHigh"),
            kit.by("Errors by model", s.ERRORS, "Requests that failed, per second.", MODEL, stacked=True),
            kit.by("Clients that left by model", s.DISCONNECTS, "Requests whose client hung up first: not errors, but often a sign of slowness.", MODEL)),
        row("What is it doing?",
            kit.by("Requests by model", s.REQUESTS, "Requests that ended, per second.", MODEL, stacked=True, width=9),
            kit.together("Tokens", "Tokens per second, read and generated.",
                         [("prompt", look.PROMPT, s.TOKENS_IN), ("generated", look.GENERATED, s.TOKENS_OUT)], width=9),
            kit.share("Share of tokens", s.TOKENS_OUT, "Generated tokens by model over the chosen time.", MODEL)),
        row("Is it full?",
            kit.together("Running and waiting", "Requests in the engines' batches and queues.",
                         [("running", look.NEUTRAL, s.RUNNING), ("waiting", look.SOON, s.WAITING)], width=9),
            kit.by("KV cache by backend", s.KV_CACHE_USAGE, "Share of the KV cache in use, the fullest replica of each backend.", BACKEND,
                   alert="KvCacheSaturated", maximum=1, width=9),
            kit.ranking("Queue by backend", s.WAITING, "Who has most requests waiting.", BACKEND, alert="QueueLong")),
        host_row(plan),
    ]
    return board(
        plan,
        "fleet",
        "LLM fleet",
        "Is the fleet fine? Since when not, where, and why.",
        [*rows, row("What is not told", kit.gaps())],
    )


def _serving(plan: Plan) -> Viz:
    """The share of backends that serve."""
    alive = Binary(">", serving_state(plan), Number(DOWN), bool_=True)
    return panels.stat("Serving", "Share of backends of which at least one replica answers. Reads `up`.",
                       p.Aggregate("avg", alive).pretty(), "percentunit",
                       thresholds=look.low_is_bad(0.9, 1), status=True, decimals=0)


def _timeline(plan: Plan) -> Viz:
    return panels.timeline("Backends", "Each backend over time. Reads `up`, and the exporter's `inferometer_backend_up` for what stands behind it.",
                           serving_state(plan).pretty(), "{{backend}}", STATES)


def _table(plan: Plan, kit: Kit) -> Viz:
    backend = Label(
        BACKEND,
        "Backend",
        width=160,
        links=(links.drill("Open the model board for ${__value.text}", board_uid("model"), BACKEND),),
    )
    state = Measure("State", serving_state(plan).pretty(), cell="status", words=(STATES,), width=110)
    measures = [
        kit.column("Running", s.RUNNING, *WHO, decimals=0),
        kit.column("Requests", s.REQUESTS, *WHO, decimals=2),
        kit.column("Errors", s.ERROR_RATIO, *WHO, alert="ErrorRatioHigh", decimals=1),
        kit.column("First token p95", s.TIME_TO_FIRST_TOKEN, *WHO, alert="FirstTokenSlow"),
        kit.column("Tokens out", s.TOKENS_OUT, *WHO),
        kit.column("Waiting", s.WAITING, *WHO, alert="QueueLong", decimals=0),
        kit.column("KV cache", s.KV_CACHE_USAGE, *WHO, alert="KvCacheSaturated", gauge=True),
    ]
    columns: list[Label | Measure] = [backend, state, Label(MODEL, "Model"), Label(RUNTIME, "Engine", width=110), *(m for m in measures if m)]
    return table(
        "Fleet",
        "One row for each backend and model. A backend that is down has a state and nothing else.",
        columns,
        sort_by="Backend",
    )
