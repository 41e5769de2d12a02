"""All signals. An engine's table refers to them by name; a board or a rule never names a metric."""

from __future__ import annotations

from inferometer import units as u
from inferometer.catalog.signal import Kind, Ratio, Signal

C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

# Traffic
REQUESTS = Signal("requests", "Requests", C, u.REQUESTS_PER_SECOND, "Requests that ended, whatever their end.")
ERRORS = Signal("errors", "Errors", C, u.REQUESTS_PER_SECOND, "Requests that failed. A client that left is not an error.")
DISCONNECTS = Signal("disconnects", "Clients that left", C, u.REQUESTS_PER_SECOND, "Requests whose client left before the end.")
REJECTIONS = Signal("rejections", "Refused requests", C, u.REQUESTS_PER_SECOND, "Requests refused because the queue was full.")
FINISHED = Signal("finished", "Finished by reason", C, u.REQUESTS_PER_SECOND, "Finished requests by the reason of their end.")
TOKENS_IN = Signal("tokens_in", "Prompt tokens", C, u.TOKENS_PER_SECOND, "Prompt tokens read, those from a cache included.")
TOKENS_OUT = Signal("tokens_out", "Generated tokens", C, u.TOKENS_PER_SECOND, "Tokens generated.")

# Speed
TIME_TO_FIRST_TOKEN = Signal("time_to_first_token", "Time to first token", H, u.SECONDS,
                             "From a request's arrival to its first generated token.")
TIME_PER_OUTPUT_TOKEN = Signal("time_per_output_token", "Time between tokens", H, u.SECONDS,
                               "Time between one generated token and the next: the pace that a reader sees.")
REQUEST_DURATION = Signal("request_duration", "Request duration", H, u.SECONDS,
                          "From a request's arrival to the end of its answer.")
QUEUE_TIME = Signal("queue_time", "Queue time", H, u.SECONDS, "Time that a request waited before its first computation.")
PREFILL_TIME = Signal("prefill_time", "Prefill time", H, u.SECONDS, "Time to compute a request's prompt.")
DECODE_TIME = Signal("decode_time", "Decode time", H, u.SECONDS, "Time to generate a request's answer after its first token.")
PROMPT_SECONDS = Signal("prompt_seconds", "Time in prompts", C, u.RATIO, "Seconds spent computing prompts.")
DECODE_SECONDS = Signal("decode_seconds", "Time in generation", C, u.RATIO, "Seconds spent generating tokens.")

# Load
RUNNING = Signal("running", "Running", G, u.COUNT, "Requests being computed.")
WAITING = Signal("waiting", "Waiting", G, u.COUNT, "Requests in the engine's queue.")
WAITING_BY_REASON = Signal("waiting_by_reason", "Waiting by reason", G, u.COUNT, "Requests in the queue, by what holds them.")
KV_CACHE_USAGE = Signal("kv_cache_usage", "KV cache", G, u.RATIO, "Share of the KV cache in use.", fleet="max")
PREEMPTIONS = Signal("preemptions", "Preemptions", C, u.EVENTS_PER_SECOND, "Requests thrown out of the batch for lack of KV cache.")
BATCH_TOKENS = Signal("batch_tokens", "Tokens per step", H, u.TOKENS, "Tokens computed in one step of the engine.")
BUSY_SLOTS = Signal("busy_slots", "Busy slots", G, u.COUNT, "Slots that are busy in one decode call, on average since the start.")
STEPS = Signal("steps", "Steps", C, u.EVENTS_PER_SECOND, "Batches that the engine computed, whatever came out of them.")
LONGEST_SEQUENCE = Signal("longest_sequence", "Longest sequence", G, u.TOKENS,
                          "The longest sequence since the start, prompt and answer.", fleet="max")
SLEEPING = Signal("sleeping", "Sleep state", G, u.COUNT, "Engine states: awake, weights offloaded, all discarded.")

# Caches and speculation
PREFIX_LOOKUPS = Signal("prefix_lookups", "Prefix cache look-ups", C, u.TOKENS_PER_SECOND, "Prompt tokens looked up in the prefix cache.")
PREFIX_HITS = Signal("prefix_hits", "Prefix cache hits", C, u.TOKENS_PER_SECOND, "Prompt tokens found in the prefix cache.")
TOKENS_CACHED = Signal("tokens_cached", "Cached prompt tokens", C, u.TOKENS_PER_SECOND, "Prompt tokens that came from a cache.")
DRAFT_TOKENS = Signal("draft_tokens", "Draft tokens", C, u.TOKENS_PER_SECOND, "Tokens proposed by speculative decoding.")
ACCEPTED_TOKENS = Signal("accepted_tokens", "Accepted draft tokens", C, u.TOKENS_PER_SECOND, "Proposed tokens that were accepted.")

# Shape of requests
PROMPT_LENGTH = Signal("prompt_length", "Prompt length", H, u.TOKENS, "Prompt tokens of a request.")
ANSWER_LENGTH = Signal("answer_length", "Answer length", H, u.TOKENS, "Generated tokens of a request.")

# What only a recorder sees
MODEL_LOAD_TIME = Signal("model_load_time", "Model load time", H, u.SECONDS, "Time that a request waited for its model to load.")
MODEL_LOADED = Signal("model_loaded", "Models loaded", G, u.COUNT, "Models in memory.")
MODEL_SIZE = Signal("model_size", "Model size", G, u.BYTES, "Memory of a loaded model.")
MODEL_VRAM = Signal("model_vram", "Model in GPU memory", G, u.BYTES, "The part of a loaded model that is in GPU memory.")
FALLBACKS = Signal("fallbacks", "Fallbacks", C, u.REQUESTS_PER_SECOND, "Requests answered by another model than the one asked for.")
BACKEND_UP = Signal("backend_up", "Backend up", G, u.COUNT, "1 when the recorder reaches the server behind it.", fleet="min")
TRACES_DROPPED = Signal("traces_dropped", "Traces dropped", C, u.EVENTS_PER_SECOND, "Requests whose trace row was lost.")
LABELS_REJECTED = Signal("labels_rejected", "Label values rejected", C, u.EVENTS_PER_SECOND, "Label values folded into `other`.")

# Hosts
HOST_CPU = Signal("host_cpu", "CPU time", C, u.RATIO, "CPU seconds of all modes.")
HOST_CPU_IDLE = Signal("host_cpu_idle", "Idle CPU time", C, u.RATIO, "CPU seconds in which nothing ran.")
HOST_MEMORY = Signal("host_memory", "Memory", G, u.BYTES, "Memory of the host.")
HOST_MEMORY_AVAILABLE = Signal("host_memory_available", "Available memory", G, u.BYTES, "Memory that can still be given out.")
HOST_DISK = Signal("host_disk", "Disk size", G, u.BYTES, "Size of a file system.")
HOST_DISK_FREE = Signal("host_disk_free", "Disk free", G, u.BYTES, "Bytes free for ordinary users.")
HOST_DISK_READONLY = Signal("host_disk_readonly", "Read-only", G, u.COUNT, "1 for a file system that cannot be written to.", fleet="max")
HOST_RECEIVED = Signal("host_received", "Received", C, u.BYTES_PER_SECOND, "Bytes received by the host.")
HOST_SENT = Signal("host_sent", "Sent", C, u.BYTES_PER_SECOND, "Bytes sent by the host.")
HOST_LOAD = Signal("host_load", "Load", G, u.COUNT, "Processes that want to run, mean of one minute.", fleet="max")

# The monitoring itself
CONFIG_LOADED = Signal("config_loaded", "Configuration loaded", G, u.COUNT, "1 when the last configuration was accepted.", fleet="min")
RULE_FAILURES = Signal("rule_failures", "Rule failures", C, u.EVENTS_PER_SECOND, "Rules whose evaluation failed.")
NOTIFICATION_FAILURES = Signal("notification_failures", "Notification failures", C, u.EVENTS_PER_SECOND,
                               "Notifications that did not reach whom they were for.")

# Ratios
ERROR_RATIO = Ratio("error_ratio", "Error ratio", ERRORS, REQUESTS, "Share of requests that failed.")
DISCONNECT_RATIO = Ratio("disconnect_ratio", "Clients that left", DISCONNECTS, REQUESTS, "Share of requests whose client left.")
FALLBACK_RATIO = Ratio("fallback_ratio", "Fallback share", FALLBACKS, REQUESTS, "Share of requests that another model answered.")
PREFIX_HIT_RATIO = Ratio("prefix_hit_ratio", "Prefix cache hits", PREFIX_HITS, PREFIX_LOOKUPS,
                         "Share of looked-up prompt tokens that were in the prefix cache.")
CACHED_RATIO = Ratio("cached_ratio", "Prompt from cache", TOKENS_CACHED, TOKENS_IN, "Share of prompt tokens that came from a cache.")
ACCEPTANCE_RATIO = Ratio("acceptance_ratio", "Draft acceptance", ACCEPTED_TOKENS, DRAFT_TOKENS,
                         "Share of proposed tokens that were accepted.")
VRAM_RATIO = Ratio("vram_ratio", "Model in GPU memory", MODEL_VRAM, MODEL_SIZE, "Share of loaded models that is in GPU memory.")
HOST_CPU_BUSY = Ratio("host_cpu_busy", "CPU busy", HOST_CPU_IDLE, HOST_CPU, "Share of CPU time in use.", complement=True)
HOST_MEMORY_USED = Ratio("host_memory_used", "Memory used", HOST_MEMORY_AVAILABLE, HOST_MEMORY,
                         "Share of memory in use.", complement=True)
HOST_DISK_USED = Ratio("host_disk_used", "Disk used", HOST_DISK_FREE, HOST_DISK, "Share of a file system in use.", complement=True)

SIGNALS: dict[str, Signal] = {s.key: s for s in list(globals().values()) if isinstance(s, Signal)}
RATIOS: dict[str, Ratio] = {r.key: r for r in list(globals().values()) if isinstance(r, Ratio)}
