"""An engine's board: its batch, queue, caches and memory, in the engine's own terms. One board for each kind in use."""

from __future__ import annotations

from inferometer import promql as p
from inferometer.catalog import Profile
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Signal
from inferometer.dashboards import look, panels, prose
from inferometer.dashboards.frame import STATES, board, numbers, row, serving_state
from inferometer.dashboards.grafana import Query, Viz
from inferometer.dashboards.kit import Kit
from inferometer.dashboards.layout import Board
from inferometer.names import BACKEND, MODEL
from inferometer.plan import Plan
from inferometer.plan.view import Silent
from inferometer.units import TOKENS_PER_SECOND

# States of vLLM's engine, of which one is 1 at a time.
SLEEP = "sleep_state"


def engine(plan: Plan, profile: Profile) -> Board:
    kit = Kit(plan, plan.board().only(profile.engine))
    rows = [
        row("", numbers(
            kit.number("Running", s.RUNNING, "Requests in the batch.", decimals=0),
            kit.number("Waiting", s.WAITING, "Requests in the queue.", alert="QueueLong", decimals=0),
            kit.number("KV cache max", s.KV_CACHE_USAGE, "The fullest KV cache of any replica.", alert="KvCacheSaturated", decimals=0),
            kit.number("Preemptions", s.PREEMPTIONS, "Requests thrown out of the batch, per second.", alert="Preemptions", decimals=2),
            kit.number("Queue p95", s.QUEUE_TIME, "95 of 100 requests wait no longer than this.", alert="QueueTimeLong", decimals=2),
            kit.number("Prefix hits", s.PREFIX_HIT_RATIO, "Share of prompt tokens found in the prefix cache.", decimals=0),
            kit.number("From cache", s.CACHED_RATIO, "Share of prompt tokens that came from a cache.", decimals=0),
            kit.number("Models loaded", s.MODEL_LOADED, "Models in memory.", decimals=0),
            kit.number("Tokens out", s.TOKENS_OUT, "Tokens generated per second.", colour=look.GENERATED)),
            panels.timeline("Backends", "Each backend over time. Reads `up`.", serving_state(plan).pretty(), "{{backend}}", STATES, height=5)),
        row("Is it full?",
            kit.by("Running by backend", s.RUNNING, "Requests in the batch.", BACKEND, stacked=True),
            kit.by("Waiting by backend", s.WAITING, "Requests in the queue.", BACKEND, alert="QueueLong", stacked=True),
            kit.by("KV cache by backend", s.KV_CACHE_USAGE, "Share of the KV cache in use, the fullest replica.", BACKEND, alert="KvCacheSaturated", maximum=1),
            kit.by("Waiting by reason", s.WAITING_BY_REASON, "What holds the requests in the queue: no room, or put off.", "reason", stacked=True),
            kit.by("Preemptions by backend", s.PREEMPTIONS, "Requests thrown out of the batch and computed again later.", BACKEND, alert="Preemptions"),
            kit.by("Refused by backend", s.REJECTIONS, "Requests refused for a full queue.", BACKEND, alert="RequestsRefused"),
            kit.percentiles("Queue time", s.QUEUE_TIME, "Time before a request's first computation.", alert="QueueTimeLong"),
            kit.distributions("Queue time, every request", s.QUEUE_TIME, "Requests per second by the time they waited.")),
        row("Where does the time go?",
            kit.percentiles("Time to first token", s.TIME_TO_FIRST_TOKEN, "Queue, then prefill, then the first token.", alert="FirstTokenSlow", width=8),
            kit.percentiles("Prefill time", s.PREFILL_TIME, "Time to compute a prompt; long prompts take long.", width=8),
            kit.percentiles("Decode time", s.DECODE_TIME, "Time to generate an answer after its first token.", width=8),
            kit.percentiles("Time between tokens", s.TIME_PER_OUTPUT_TOKEN, "The pace of an answer; a full batch slows it.", alert="TokensSlow", width=8),
            kit.percentiles("Tokens per step", s.BATCH_TOKENS, "Tokens computed in one step: how well the batch is filled.", width=8),
            _mean_token_time(kit), _prompt_speed(kit),
            kit.by("Share of time in prompts", s.PROMPT_SECONDS, "Seconds per second spent on prompts: 1 is a slot that does nothing else.", BACKEND),
            kit.by("Share of time in generation", s.DECODE_SECONDS, "Seconds per second spent generating.", BACKEND)),
        row("Do the caches help?",
            kit.by("Prefix cache hits by backend", s.PREFIX_HIT_RATIO, "Share of looked-up prompt tokens found.", BACKEND, maximum=1),
            kit.by("Prompt from cache by backend", s.CACHED_RATIO, "Share of prompt tokens that needed no computation.", BACKEND, maximum=1),
            kit.by("Draft acceptance by model", s.ACCEPTANCE_RATIO, "Share of draft tokens that speculative decoding accepted.", MODEL, maximum=1),
            kit.together("Draft tokens", "Speculative decoding: tokens proposed and accepted, per second.",
                         [("proposed", look.NEUTRAL, s.DRAFT_TOKENS), ("accepted", look.GENERATED, s.ACCEPTED_TOKENS)])),
        row("What does the batch look like?",
            kit.by("Busy slots by backend", s.BUSY_SLOTS, "Slots busy in one decode call, a mean since the start of the server.", BACKEND),
            kit.by("Steps by backend", s.STEPS, "Batches computed per second.", BACKEND),
            kit.by("Longest sequence by backend", s.LONGEST_SEQUENCE, "The longest sequence since the start, prompt and answer.", BACKEND),
            kit.by("Sleep state", s.SLEEPING, "Engines in each state: awake, weights offloaded, all discarded.", SLEEP, stacked=True),
            kit.by("Models loaded by backend", s.MODEL_LOADED, "Models in memory.", BACKEND),
            kit.by("In GPU memory", s.VRAM_RATIO, "Share of the loaded models that is in GPU memory; the rest runs slowly on the CPU.", BACKEND, maximum=1),
            kit.by("Load time p95", s.MODEL_LOAD_TIME, "How long requests waited for a model to load.", MODEL)),
        row("What is it doing?",
            kit.by("Requests by model", s.REQUESTS, "Requests that ended, per second.", MODEL, stacked=True),
            kit.by("Ends by reason", s.FINISHED, "Why generation ended.", "finished_reason", stacked=True),
            kit.by("Error ratio by backend", s.ERROR_RATIO, "Share of requests that failed.", BACKEND, alert="ErrorRatioHigh"),
            kit.by("Tokens in by backend", s.TOKENS_IN, "Prompt tokens read per second.", BACKEND, stacked=True, width=12),
            kit.by("Tokens out by backend", s.TOKENS_OUT, "Tokens generated per second.", BACKEND, stacked=True, width=12)),
    ]
    title = f"Engine: {profile.title}"
    about = f"The batch, the queue, the caches and the memory of {profile.title}, in its own terms."
    return board(
        plan, f"engine-{profile.engine}", title, about, [*rows, row("What is not told", kit.gaps())], profiles=[profile]
    )


def _mean_token_time(kit: Kit) -> Viz | None:
    """Where there is no histogram: time in generation over tokens generated."""
    return _quotient(
        kit,
        "Mean time per token",
        s.DECODE_SECONDS,
        s.TOKENS_OUT,
        "s",
        "Mean time to generate one token: the engine tells no percentile. Reads time in generation and generated tokens.",
    )


def _prompt_speed(kit: Kit) -> Viz | None:
    return _quotient(
        kit,
        "Prompt tokens per second of work",
        s.TOKENS_IN,
        s.PROMPT_SECONDS,
        TOKENS_PER_SECOND.grafana,
        "How fast prompts are read while they are being read, tokens from the cache included.",
    )


def _quotient(kit: Kit, title: str, above: Signal, below: Signal, unit: str, about: str) -> Viz | None:
    try:
        expr = p.over(kit.view.rate(above, BACKEND), kit.view.rate(below, BACKEND))
    except Silent:
        return None
    text = f"{about}\n\n{prose.reads(kit.view.sources, above)}\n{prose.reads(kit.view.sources, below)}"
    return panels.lines(title, text, [Query(expr.pretty(), "{{backend}}")], unit, width=8)
