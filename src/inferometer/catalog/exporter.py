"""Our exporter: the recorder before servers that say little or nothing of themselves.

Every series carries `backend`, `model` and `runtime`, the kind of server that the exporter stands before. So its series
of one runtime can be chosen without any knowledge of the topology.
"""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile, Vantage, metric, source

# Upper bounds. They reach 600 s and hold the limits that people put into SLOs.
DURATION = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 60, 120, 300, 600)
FIRST_TOKEN = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
BETWEEN_TOKENS = (0.005, 0.01, 0.02, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5)
LOAD = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)

# Reasons of failures. The first two are no server's fault: nobody failed to serve.
CLIENT_LEFT = "client_disconnected"
CLIENT_ERROR = "client_error"
REFUSED = "rejected"

RECORDER = Profile(
    engine="exporter",
    title="Inferometer's exporter",
    vantage=Vantage.RECORDER,
    model_label="model",
    heartbeat=metric("inferometer_build_info"),
    tested="0.1",
    series_fixed=130,
    series_per_model=130,
    sources={
        s.REQUESTS.key: source("inferometer_requests_total", note="Counts every request, whatever its end."),
        s.ERRORS.key: source(
            "inferometer_request_failures_total",
            reason=f"!{CLIENT_LEFT}|{CLIENT_ERROR}",
            example={"reason": "upstream_error"},
            note="Without clients that left, and without requests that the server found wrong (4xx).",
        ),
        s.DISCONNECTS.key: source("inferometer_request_failures_total", reason=CLIENT_LEFT),
        s.REJECTIONS.key: source("inferometer_request_failures_total", reason=REFUSED, note="HTTP 429 and 503."),
        s.TOKENS_IN.key: source("inferometer_prompt_tokens_total"),
        s.TOKENS_OUT.key: source("inferometer_completion_tokens_total"),
        s.TIME_TO_FIRST_TOKEN.key: source("inferometer_time_to_first_token_seconds", buckets=FIRST_TOKEN),
        s.TIME_PER_OUTPUT_TOKEN.key: source("inferometer_inter_token_seconds", buckets=BETWEEN_TOKENS),
        s.REQUEST_DURATION.key: source("inferometer_request_duration_seconds", buckets=DURATION),
        s.RUNNING.key: source("inferometer_requests_in_flight", note="Requests between the exporter and the server."),
        s.MODEL_LOAD_TIME.key: source("inferometer_model_load_seconds", buckets=LOAD),
        s.MODEL_LOADED.key: source("inferometer_model_loaded"),
        s.MODEL_SIZE.key: source("inferometer_model_size_bytes"),
        s.MODEL_VRAM.key: source("inferometer_model_vram_bytes"),
        s.FALLBACKS.key: source("inferometer_fallbacks_total", per_model=False),
        s.BACKEND_UP.key: source("inferometer_backend_up", per_model=False),
        s.TRACES_DROPPED.key: source("inferometer_traces_dropped_total", per_model=False, per_runtime=False),
        s.LABELS_REJECTED.key: source("inferometer_label_values_rejected_total", per_model=False, per_runtime=False),
    },
)
