"""vLLM: an inference engine with metrics of its own (names recorded from 0.33.0).

Renames: the `gpu_` names gave way in 0.9.2 and were removed in 0.13 (vllm-project/vllm #18354, #29330);
`time_per_output_token_seconds` became `inter_token_latency_seconds` in 0.11 and was removed in 0.13 (#24110, #29330).
"""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Counts, Name, Profile, Vantage, added, metric, source, where
from inferometer.spec.engines import ENGINES as KNOWN

# Upper bounds, recorded from 0.33.0. Those of token counts end at the model's length and differ between servers.
TTFT = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560)
ITL = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80)
LATENCY = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680)
STEP_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)

_REFUSED = metric("vllm:admission_rejections_total")

VLLM = Profile(
    engine="vllm",
    title=KNOWN["vllm"].title,
    vantage=Vantage.ENGINE,
    model_label="model_name",
    # production-stack's router exports the engine's own names with a label `server`.
    own_copies_only=where(server=""),
    heartbeat=metric("vllm:num_requests_running"),
    tested="0.33",
    series_fixed=120,
    series_per_model=420,
    sources={
        s.REQUESTS.key: added(
            metric("vllm:request_success_total"), _REFUSED, counts=Counts.WITHOUT_LEAVERS,
            note="`vllm:request_success_total` counts every end, failures too; refused requests are counted elsewhere and "
            "added. Requests whose client left are in no counter of vLLM 0.33.",
        ),
        s.ERRORS.key: added(
            metric("vllm:request_success_total", finished_reason="error"), _REFUSED,
            note="A stream that is refused for a full queue is HTTP 200: only `vllm:admission_rejections_total` shows it.",
        ),
        s.DISCONNECTS.key: source("vllm:request_success_total", finished_reason="abort",
                                  note="Stays 0 on vLLM 0.33, whatever clients do."),
        s.REJECTIONS.key: source("vllm:admission_rejections_total"),
        s.FINISHED.key: source("vllm:request_success_total"),
        s.TOKENS_IN.key: source("vllm:prompt_tokens_total"),
        s.TOKENS_OUT.key: source("vllm:generation_tokens_total"),
        s.TOKENS_CACHED.key: source("vllm:prompt_tokens_cached_total"),
        s.TIME_TO_FIRST_TOKEN.key: source("vllm:time_to_first_token_seconds", buckets=TTFT),
        s.TIME_PER_OUTPUT_TOKEN.key: source(
            "vllm:inter_token_latency_seconds", since=(0, 11), buckets=ITL,
            was=(Name("vllm:time_per_output_token_seconds", until=(0, 13)),),
            note="Time between streamed outputs: with speculative decoding one output may hold several tokens.",
        ),
        s.REQUEST_DURATION.key: source("vllm:e2e_request_latency_seconds", buckets=LATENCY),
        s.QUEUE_TIME.key: source("vllm:request_queue_time_seconds", buckets=LATENCY),
        s.PREFILL_TIME.key: source("vllm:request_prefill_time_seconds", buckets=LATENCY),
        s.DECODE_TIME.key: source("vllm:request_decode_time_seconds", buckets=LATENCY),
        s.RUNNING.key: source("vllm:num_requests_running"),
        s.WAITING.key: source("vllm:num_requests_waiting"),
        s.WAITING_BY_REASON.key: source("vllm:num_requests_waiting_by_reason"),
        s.KV_CACHE_USAGE.key: source(
            "vllm:kv_cache_usage_perc", since=(0, 9, 2), was=(Name("vllm:gpu_cache_usage_perc", until=(0, 13)),),
            note="0 to 1, though its name says percent.",
        ),
        s.PREEMPTIONS.key: source("vllm:num_preemptions_total"),
        s.PREFIX_LOOKUPS.key: source("vllm:prefix_cache_queries_total", since=(0, 9, 2),
                                     was=(Name("vllm:gpu_prefix_cache_queries_total", until=(0, 13)),)),
        s.PREFIX_HITS.key: source("vllm:prefix_cache_hits_total", since=(0, 9, 2),
                                  was=(Name("vllm:gpu_prefix_cache_hits_total", until=(0, 13)),)),
        s.DRAFT_TOKENS.key: source("vllm:spec_decode_num_draft_tokens_total"),
        s.ACCEPTED_TOKENS.key: source("vllm:spec_decode_num_accepted_tokens_total"),
        s.STEPS.key: source("vllm:iteration_tokens_total_count", note="Observations of the histogram of tokens in a step."),
        s.BATCH_TOKENS.key: source("vllm:iteration_tokens_total", buckets=STEP_TOKENS,
                                   note="A histogram, though its name ends in _total."),
        s.PROMPT_LENGTH.key: source("vllm:request_prompt_tokens", buckets=LENGTHS),
        s.ANSWER_LENGTH.key: source("vllm:request_generation_tokens", buckets=LENGTHS),
        s.SLEEPING.key: source("vllm:engine_sleep_state"),
    },
)
