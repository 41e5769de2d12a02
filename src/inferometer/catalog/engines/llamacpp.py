"""llama.cpp's llama-server, started with `--metrics` (names recorded from 0.7.0, build 11669).

Its metrics have no labels at all, so a model's name can only come from the spec. It counts neither requests nor failures
and has no histogram: these come from our exporter where it stands before the server.
"""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile, Vantage, added, metric, source
from inferometer.spec.engines import ENGINES as KNOWN

_RECORDER = "Put the exporter before it (`record: true`)."

LLAMACPP = Profile(
    engine="llamacpp",
    title=KNOWN["llamacpp"].title,
    vantage=Vantage.ENGINE,
    model_label=None,
    heartbeat=metric("llamacpp:requests_processing"),
    tested="0.7.0",
    series_fixed=20,
    sources={
        s.TOKENS_IN.key: added(
            metric("llamacpp:prompt_tokens_total"), metric("llamacpp:prompt_tokens_cached_total"),
            note="`llamacpp:prompt_tokens_total` leaves out cached tokens, so both are added.",
        ),
        s.TOKENS_OUT.key: source("llamacpp:tokens_predicted_total", note="Counted when a request ends: a long answer is one jump."),
        s.TOKENS_CACHED.key: source("llamacpp:prompt_tokens_cached_total"),
        s.RUNNING.key: source("llamacpp:requests_processing"),
        s.WAITING.key: source("llamacpp:requests_deferred"),
        s.PROMPT_SECONDS.key: source("llamacpp:prompt_seconds_total"),
        s.DECODE_SECONDS.key: source("llamacpp:tokens_predicted_seconds_total"),
        s.STEPS.key: source("llamacpp:n_decode_total"),
        s.BUSY_SLOTS.key: source("llamacpp:n_busy_slots_per_decode", note="A mean since the start, not of now."),
        s.LONGEST_SEQUENCE.key: source("llamacpp:n_tokens_max", note="A high-water mark, though declared a counter."),
        s.DRAFT_TOKENS.key: source("llamacpp:spec_decode_num_draft_tokens_total"),
        s.ACCEPTED_TOKENS.key: source("llamacpp:spec_decode_num_accepted_tokens_total"),
    },
    lacks={
        s.REQUESTS.key: f"llama.cpp does not count requests. {_RECORDER}",
        s.ERRORS.key: f"llama.cpp does not count failures. {_RECORDER}",
        s.DISCONNECTS.key: f"llama.cpp does not say when a client leaves. {_RECORDER}",
        s.TIME_TO_FIRST_TOKEN.key: f"llama.cpp has no histogram of first tokens. {_RECORDER}",
        s.TIME_PER_OUTPUT_TOKEN.key: "llama.cpp tells only the mean: time in generation by generated tokens. "
        f"For percentiles: {_RECORDER[0].lower()}{_RECORDER[1:]}",
        s.REQUEST_DURATION.key: f"llama.cpp has no histogram of durations. {_RECORDER}",
        s.QUEUE_TIME.key: "llama.cpp tells how many requests wait, not how long.",
        s.KV_CACHE_USAGE.key: "llama.cpp removed its KV cache figure (#13660); `/slots` shows each slot's tokens.",
        s.PREEMPTIONS.key: "llama.cpp does not preempt requests: they wait for a free slot.",
        s.PREFIX_LOOKUPS.key: "llama.cpp does not count look-ups; see the share of prompt tokens from its cache.",
    },
)
