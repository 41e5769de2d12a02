"""Every metric of the exporter, told once: name, kind, labels, buckets, meaning, and when it is there.

The families stand in groups: a group's series appear and vanish together, so the budget of series counts in groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from inferometer_exporter.names import DropReason, Reason

# Upper bounds in seconds, those of the generator's catalog (a test compares them): they hold the limits that people put
# into SLOs, and reach 600 s.
DURATION_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
FIRST_TOKEN_BOUNDS = (
    *(0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 5.0),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
BETWEEN_BOUNDS = (0.005, 0.01, 0.02, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0)
LOAD_BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    UNTYPED = "unknown"  # a counter whose name, given by others, does not end in `_total`


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `name` is that of its samples; a histogram's without `_bucket`, `_sum` and `_count`.

    `each` is the number of label sets that one owner (a backend, a model, …) has. `when` says when it is there, where
    that is not always. `read` tells that boards, rules or alerts of Inferometer read it: the generator's catalog has it.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    bounds: tuple[float, ...] = ()
    each: int = 1
    when: str = ""
    read: bool = False

    @property
    def series(self) -> int:
        """Series of one owner: a histogram has its buckets, +Inf, sum and count."""
        return self.each * (len(self.bounds) + 3 if self.kind is Kind.HISTOGRAM else 1)

    @property
    def unit(self) -> str:
        """The base unit that the name ends with, or nothing."""
        return next((unit for unit in ("seconds", "bytes") if self.name.endswith(f"_{unit}")), "")


def series(group: Iterable[Family]) -> int:
    """Series of one owner of the group."""
    return sum(family.series for family in group)


C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
BACKEND = ("backend", "runtime")
MODEL = (*BACKEND, "model")
API = (*MODEL, "api")
REJECTABLE = ("api", "from_model", "model", "to_model")

OF_EXPORTER = (
    BUILD_INFO := Family("inferometer_build_info", G, ("loop", "python", "version"), "1; what runs, in its labels.", read=True),
    TRACES_DROPPED := Family("inferometer_traces_dropped_total", C, ("reason",), "Requests whose trace row was lost.", each=len(DropReason), read=True),
    LABELS_REJECTED := Family("inferometer_label_values_rejected_total", C, ("label",), "Requests whose name was folded into `other`: no answer knew it, or no room was left.", each=len(REJECTABLE), read=True),
    STORE_ROWS := Family("inferometer_store_rows", G, (), "Traces in the store.", when="with a store"),
    STORE_BYTES := Family("inferometer_store_bytes", G, (), "Size of the store's files.", when="with a store"),
    STORE_WRITABLE := Family("inferometer_store_writable", G, (), "1 while traces are written.", when="with a store"),
)

OF_BACKEND = (
    BACKEND_UP := Family("inferometer_backend_up", G, BACKEND, "1 when any address of the server answered the last look.", when="after the first look", read=True),
    CHECK_AGE := Family("inferometer_backend_check_age_seconds", G, BACKEND, "Time since the last look at the server ended.", when="after the first look"),
    BACKEND_INFO := Family("inferometer_backend_info", G, (*BACKEND, "version"), "1; the server's version, as it says.", when="while the server is up and says it"),
    UNMETERED := Family("inferometer_unmetered_requests_total", C, BACKEND, "Requests on routes that are forwarded only: no model, no tokens, no trace."),
    HIDDEN := Family("inferometer_backend_entries_hidden", G, BACKEND, "Models, nodes, queues and checks that the server told of, and that found no room in this scrape."),
)  # fmt: skip
OF_ADDRESS = (
    ADDRESS_UP := Family("inferometer_backend_address_up", G, (*BACKEND, "address"), "1 when this address answered the last look.", when="after the first look"),
)

OF_MODEL = (
    IN_FLIGHT := Family("inferometer_requests_in_flight", G, MODEL, "Requests between the exporter and the server.", read=True),
    DURATION := Family("inferometer_request_duration_seconds", H, MODEL, "From a request's arrival to the end of its answer.", DURATION_BOUNDS, read=True),
    FIRST_TOKEN := Family("inferometer_time_to_first_token_seconds", H, MODEL, "From a request's arrival to its first generated token; streams only.", FIRST_TOKEN_BOUNDS, read=True),
    BETWEEN := Family("inferometer_inter_token_seconds", H, MODEL, "Time between one generated token and the next; streams only.", BETWEEN_BOUNDS, read=True),
    LOAD := Family("inferometer_model_load_seconds", H, MODEL, "Time that a request waited for its model to be loaded; not observed where the model was there already.", LOAD_BOUNDS, read=True),
)  # fmt: skip
OF_API = (
    REQUESTS := Family("inferometer_requests_total", C, API, "Requests that ended, whatever their end.", read=True),
    FAILURES := Family("inferometer_request_failures_total", C, (*API, "reason"), "Requests that did not complete. Nobody failed to serve those with `client_disconnected` and `client_error`.", each=len(Reason), read=True),
    PROMPT_TOKENS := Family("inferometer_prompt_tokens_total", C, API, "Prompt tokens, as answers tell them.", read=True),
    COMPLETION_TOKENS := Family("inferometer_completion_tokens_total", C, API, "Generated tokens, as answers tell them.", read=True),
)  # fmt: skip

OF_LOADED = (
    MODEL_LOADED := Family("inferometer_model_loaded", G, MODEL, "Models in the server's memory: 1, or for `other` their number.", when="while the server says so", read=True),
    MODEL_SIZE := Family("inferometer_model_size_bytes", G, MODEL, "Memory of a loaded model.", when="while the server says so", read=True),
    MODEL_VRAM := Family("inferometer_model_vram_bytes", G, MODEL, "The part of a loaded model that is in GPU memory.", when="while the server says so", read=True),
)  # fmt: skip

OF_FALLBACK = (
    FALLBACKS := Family("inferometer_fallbacks_total", C, (*BACKEND, "from_model", "to_model"), "Requests answered by another model than the one asked for.", when="after the first", read=True),
)
OF_TAG = (
    TAG_REQUESTS := Family("inferometer_tag_requests_total", C, (*BACKEND, "tag"), "Requests with this tag.", when="for the tags in the configuration"),
    TAG_TOKENS := Family("inferometer_tag_tokens_total", C, (*BACKEND, "tag", "kind"), "Tokens of requests with this tag; `kind` is prompt or completion.", each=2, when="for the tags in the configuration"),
)

NODE = (*BACKEND, "node")
QUEUE = (*NODE, "model")
OF_HERD = (
    STATUS_AGE := Family("inferometer_herd_status_age_seconds", G, BACKEND, "Time since Herd last told its nodes."),
    CHECKS_AGE := Family("inferometer_herd_checks_age_seconds", G, BACKEND, "Time since Herd last told its health report."),
)
OF_NODE = (
    NODE_STATUS := Family("inferometer_herd_node_status", G, (*NODE, "status"), "1; the node's status (online, degraded, offline). A node whose server is dead may still read online."),
    NODE_PRESSURE := Family("inferometer_herd_node_memory_pressure", G, (*NODE, "pressure"), "1; the node's memory pressure, in Herd's word."),
    NODE_LOADED := Family("inferometer_herd_node_models_loaded", G, NODE, "Models in the node's memory."),
    NODE_ACTIVE := Family("inferometer_herd_node_requests_active", G, NODE, "Requests that the node computes."),
    NODE_TOTAL := Family("inferometer_herd_node_memory_total_bytes", G, NODE, "Memory of the node."),
    NODE_USED := Family("inferometer_herd_node_memory_used_bytes", G, NODE, "Memory in use."),
    NODE_AVAILABLE := Family("inferometer_herd_node_memory_available_bytes", G, NODE, "Memory that can still be given out."),
    NODE_CPU := Family("inferometer_herd_node_cpu_ratio", G, NODE, "Share of CPU time in use."),
)  # fmt: skip
OF_QUEUE = (
    QUEUE_PENDING := Family("inferometer_herd_queue_pending", G, QUEUE, "Requests that wait in the queue."),
    QUEUE_IN_FLIGHT := Family("inferometer_herd_queue_in_flight", G, QUEUE, "Requests of the queue at the node."),
    QUEUE_COMPLETED := Family("inferometer_herd_queue_completed_total", C, QUEUE, "Completed requests since Herd's start."),
    QUEUE_FAILED := Family("inferometer_herd_queue_failed_total", C, QUEUE, "Failed requests since Herd's start."),
    QUEUE_REJECTED := Family("inferometer_herd_queue_rejected_total", C, QUEUE, "Refused requests since Herd's start."),
)  # fmt: skip
OF_CHECK = (
    CHECK := Family("inferometer_herd_check", G, (*NODE, "check_id", "severity"), "Findings of Herd's health report by its own ids, known here or not; an empty `node` means the whole fleet."),
)
OF_VITAL = (
    VITAL := Family("inferometer_herd_vital", G, (*BACKEND, "kind"), "The numbers of Herd's health report by its own names, in its own units."),
)

# Metrics of the process itself: prometheus-client's ProcessCollector makes them, where there is a /proc.
PROCESS = (
    *("process_virtual_memory_bytes", "process_resident_memory_bytes", "process_start_time_seconds"),
    *("process_cpu_seconds_total", "process_open_fds", "process_max_fds"),
)

# Names of Categraf's Ollama plugin, for boards that read them. Over all backends, by model.
QUANTILES = ("0.5", "0.95", "0.99", "avg", "min", "max")
OF_CATEGRAF = (
    OLLAMA_REQUESTS := Family("ollama_requests_total", C, ("model",), "Requests that ended."),
    OLLAMA_SUCCESS := Family("ollama_requests_success", Kind.UNTYPED, ("model",), "Requests that completed."),
    OLLAMA_FAILED := Family("ollama_requests_failed", Kind.UNTYPED, ("model",), "Requests that did not complete."),
    OLLAMA_GENERATED := Family("ollama_tokens_generated_total", C, ("model",), "Generated tokens."),
    OLLAMA_PROMPT := Family("ollama_prompt_tokens_total", C, ("model",), "Prompt tokens."),
    OLLAMA_DURATION := Family("ollama_response_duration_seconds", G, ("model", "quantile"), "Request durations: quantiles, mean and ends of the last 1,000 samples of each backend.", each=len(QUANTILES)),
    OLLAMA_LOAD := Family("ollama_model_load_duration_seconds", G, ("model", "quantile"), "Load times: quantiles, mean and ends of the last 1,000 samples of each backend.", each=len(QUANTILES)),
)  # fmt: skip

FAMILIES: tuple[Family, ...] = (
    *(*OF_EXPORTER, *OF_BACKEND, *OF_ADDRESS, *OF_MODEL, *OF_API, *OF_LOADED, *OF_FALLBACK, *OF_TAG),
    *(*OF_HERD, *OF_NODE, *OF_QUEUE, *OF_CHECK, *OF_VITAL, *OF_CATEGRAF),
)
