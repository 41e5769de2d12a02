"""A model's board: how fast, how well and for whom it is served, whoever serves it."""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.dashboards import links, look
from inferometer.dashboards.frame import board, numbers, row
from inferometer.dashboards.grafana import Viz
from inferometer.dashboards.kit import Kit
from inferometer.dashboards.layout import Board
from inferometer.dashboards.tables import Label, table
from inferometer.names import BACKEND, MODEL, RUNTIME, board_uid
from inferometer.plan import Plan

WHO = (MODEL, BACKEND, RUNTIME)


def model(plan: Plan) -> Board:
    kit = Kit(plan, plan.board())
    rows = [
        row("", numbers(
            kit.number("Errors", s.ERROR_RATIO, "Share of requests that failed.", alert="ErrorRatioHigh", status=True, decimals=2),
            kit.number("First token", s.TIME_TO_FIRST_TOKEN, "95 of 100 requests see their first token within this time.", alert="FirstTokenSlow", decimals=2),
            kit.number("Token gap", s.TIME_PER_OUTPUT_TOKEN, "95 of 100 gaps between two tokens are shorter.", alert="TokensSlow"),
            kit.number("Duration", s.REQUEST_DURATION, "95 of 100 requests are done within this time.", decimals=1),
            kit.number("Requests", s.REQUESTS, "Requests that ended, per second.", decimals=2),
            kit.number("Tokens out", s.TOKENS_OUT, "Tokens generated per second.", colour=look.GENERATED),
            kit.number("Running", s.RUNNING, "Requests being computed.", decimals=0),
            kit.number("From cache", s.CACHED_RATIO, "Share of prompt tokens that came from a cache.", decimals=0))),
        row("How fast is it?",
            kit.percentiles("Time to first token", s.TIME_TO_FIRST_TOKEN, "From a request's arrival to its first generated token.", alert="FirstTokenSlow"),
            kit.distributions("First tokens, every request", s.TIME_TO_FIRST_TOKEN, "Requests per second by the time to their first token."),
            kit.percentiles("Time between tokens", s.TIME_PER_OUTPUT_TOKEN, "The pace at which an answer is written.", alert="TokensSlow"),
            kit.distributions("Gaps between tokens, every one", s.TIME_PER_OUTPUT_TOKEN, "Gaps per second by their length."),
            kit.percentiles("Request duration", s.REQUEST_DURATION, "From arrival to the last token; long answers take long.", width=8),
            kit.by("First token p95 by backend", s.TIME_TO_FIRST_TOKEN, "The same model on several backends should be equally fast.", BACKEND,
                   alert="FirstTokenSlow"),
            kit.by("Queue time p95 by backend", s.QUEUE_TIME, "How long requests waited before their first computation.", BACKEND,
                   alert="QueueTimeLong")),
        row("How well does it answer?",
            kit.by("Error ratio", s.ERROR_RATIO, "Share of requests that failed.", *WHO[:2], alert="ErrorRatioHigh"),
            kit.by("Ends by reason", s.FINISHED, "Why generation ended: a natural stop, the length limit, an error.", "finished_reason", stacked=True),
            kit.by("Clients that left", s.DISCONNECT_RATIO, "Share of requests whose client hung up first.", *WHO[:2], alert="ClientsLeaving"),
            kit.by("Fallbacks", s.FALLBACKS, "Requests that another model answered.", "from_model", "to_model")),
        row("What is asked of it?",
            kit.by("Requests by backend", s.REQUESTS, "Requests that ended, per second.", BACKEND, stacked=True),
            kit.together("Tokens", "Tokens per second, read and generated.",
                         [("prompt", look.PROMPT, s.TOKENS_IN), ("generated", look.GENERATED, s.TOKENS_OUT)]),
            kit.by("Prompt from cache by backend", s.CACHED_RATIO, "Share of prompt tokens that needed no computation.", BACKEND, maximum=1),
            kit.percentiles("Prompt length", s.PROMPT_LENGTH, "Prompt tokens of a request.", width=8),
            kit.percentiles("Answer length", s.ANSWER_LENGTH, "Generated tokens of a request.", width=8),
            kit.by("Load time p95", s.MODEL_LOAD_TIME, "How long requests waited for the model to be loaded.", MODEL, BACKEND)),
        row("Who serves it?", _backends(kit)),
    ]
    return board(plan, "model", "LLM model", "How fast, how well and for whom a model is served, whoever serves it.",
                 [*rows, row("What is not told", kit.gaps())])


def _backends(kit: Kit) -> Viz | None:
    measures = [
        kit.column("Requests", s.REQUESTS, *WHO, decimals=2),
        kit.column("Errors", s.ERROR_RATIO, *WHO, alert="ErrorRatioHigh", decimals=1),
        kit.column("First token p50", s.TIME_TO_FIRST_TOKEN, *WHO, q=0.5),
        kit.column("First token p95", s.TIME_TO_FIRST_TOKEN, *WHO, alert="FirstTokenSlow"),
        kit.column("Token gap p95", s.TIME_PER_OUTPUT_TOKEN, *WHO, alert="TokensSlow"),
        kit.column("Tokens out", s.TOKENS_OUT, *WHO),
        kit.column("Running", s.RUNNING, *WHO, decimals=0),
        kit.column("Waiting", s.WAITING, *WHO, alert="QueueLong", decimals=0),
    ]
    told = [measure for measure in measures if measure]
    if not told:
        return None
    model = Label(MODEL, "Model", links=(links.drill("Only ${__value.text}", board_uid("model"), MODEL),))
    return table("Backends of the model", "One row for each model and backend.", [model, Label(BACKEND, "Backend"), Label(RUNTIME, "Engine"), *told],
                 sort_by="Model")
