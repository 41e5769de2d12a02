"""One truth seen from three vantages: a gateway before a recorder before engines, as each would expose it.

    clients ─► gateway ─┬─► recorder ─┬─► vLLM      model a
                        │             └─► Ollama    model b
                        └─► OpenAI, which nothing else sees   model c

The names are those of the real servers; the gateway's are LiteLLM's.
"""

from __future__ import annotations

from inferometer.catalog import ENGINES, RECORDER
from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile, Vantage, source
from inferometer.plan.sources import Sources

GATEWAY = Profile(
    engine="litellm",
    title="LiteLLM",
    vantage=Vantage.GATEWAY,
    model_label="requested_model",
    provider_label="api_provider",
    sources={
        s.REQUESTS.key: source("litellm_proxy_total_requests_metric_total"),
        s.ERRORS.key: source("litellm_proxy_failed_requests_metric_total"),
        s.TOKENS_OUT.key: source("litellm_output_tokens_metric_total"),
    },
)

SOURCES = Sources(
    engines=(ENGINES["vllm"], ENGINES["llamacpp"], ENGINES["ollama"]),
    recorder=RECORDER,
    gateways=((GATEWAY, ("openai",)),),
)

# What is generated, in tokens per second by model, and how many requests of each model end and fail per second.
TOKENS = {"a": 10.0, "b": 5.0, "c": 3.0}
REQUESTS = {"a": 4.0, "b": 2.0, "c": 1.0}
FAILED = {"a": 1.0, "b": 0.5, "c": 0.25}
STEP = 15

_VLLM = 'job="vllm",instance="10.0.0.1:8000",engine="0",model_name="a"'
_RECORDER = 'job="exporter",instance="exporter:9464"'
_GATEWAY = 'job="litellm",instance="gateway:4000"'
_BEHIND = {"a": "hosted_vllm", "b": "ollama", "c": "openai"}


def grows(per_second: float) -> str:
    return f"0+{per_second * STEP}x60"


def fleet() -> dict[str, str]:
    """Every exposition of the layered fleet."""
    series = {
        f"vllm:generation_tokens_total{{{_VLLM}}}": grows(TOKENS["a"]),
        f'vllm:request_success_total{{{_VLLM},finished_reason="stop"}}': grows(REQUESTS["a"] - FAILED["a"]),
        f'vllm:request_success_total{{{_VLLM},finished_reason="error"}}': grows(FAILED["a"]),
        f"vllm:num_requests_running{{{_VLLM}}}": "6x60",
        # A router that exports the engine's own name, told apart by its label `server` alone.
        'vllm:num_requests_running{job="router",instance="router:8001",server="http://10.0.0.1:8000"}': "6x60",
    }
    for model, runtime in (("a", "vllm"), ("b", "ollama")):
        labels = f'{_RECORDER},backend="{runtime}-1",runtime="{runtime}",model="{model}",api="/v1/chat/completions"'
        series |= {
            f"inferometer_completion_tokens_total{{{labels}}}": grows(TOKENS[model]),
            f"inferometer_requests_total{{{labels}}}": grows(REQUESTS[model]),
            f'inferometer_request_failures_total{{{labels},reason="upstream_error"}}': grows(FAILED[model]),
        }
    for model, provider in _BEHIND.items():
        labels = f'{_GATEWAY},requested_model="{model}",api_provider="{provider}"'
        series |= {
            f"litellm_output_tokens_metric_total{{{labels}}}": grows(TOKENS[model]),
            f"litellm_proxy_total_requests_metric_total{{{labels}}}": grows(REQUESTS[model]),
            f"litellm_proxy_failed_requests_metric_total{{{labels}}}": grows(FAILED[model]),
        }
    return series


__all__ = ["FAILED", "GATEWAY", "REQUESTS", "SOURCES", "TOKENS", "fleet", "grows"]
