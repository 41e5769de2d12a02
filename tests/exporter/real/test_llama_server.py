"""What the exporter says of a real llama-server is what the server's own answers and counters say."""

from __future__ import annotations

import pytest

from tests.exporter.real.servers import Recorded
from tests.exporter.support.process import eventually
from tests.parts.observed import LlamaServer

pytestmark = pytest.mark.real


def counted(server: LlamaServer) -> tuple[float, float]:
    """Prompt and completion tokens by the server's own counters."""
    lines = dict(line.rsplit(" ", 1) for line in server.metrics().splitlines() if line[0] != "#")
    return float(lines["llamacpp:prompt_tokens_total"]), float(lines["llamacpp:tokens_predicted_total"])


def recorded(llama: Recorded[LlamaServer]) -> tuple[float, float]:
    samples = llama.exporter.metrics()
    return (
        samples.sum("inferometer_prompt_tokens_total", model="tiny"),
        samples.sum("inferometer_completion_tokens_total", model="tiny"),
    )


def test_tokens_are_those_of_the_answers_usage_and_of_the_servers_own_counters(llama: Recorded[LlamaServer]) -> None:
    server = llama.server
    own_before, recorded_before = counted(server), recorded(llama)
    prompts = [("the one", 12, False), ("of the people", 30, True), ("who will be there when all is done", 40, False)]
    usages = [through(llama).chat(prompt, tokens, stream)["usage"] for prompt, tokens, stream in prompts]
    told = tuple(sum(usage[f"{kind}_tokens"] for usage in usages) for kind in ("prompt", "completion"))
    assert told[1] == 82, "the server was asked for that many and told to ignore the end of text"
    eventually(lambda: difference(recorded(llama), recorded_before) == told, what=f"recorded as told, {told};")
    assert difference(counted(server), own_before) == told


def through(llama: Recorded[LlamaServer]) -> LlamaServer:
    """The server's own questions, asked through the exporter."""
    asked = LlamaServer()
    asked.port = llama.exporter.proxy_port
    return asked


def difference(after: tuple[float, float], before: tuple[float, float]) -> tuple[float, float]:
    return after[0] - before[0], after[1] - before[1]


def test_its_series_carry_its_runtime_and_it_is_up(llama: Recorded[LlamaServer]) -> None:
    assert llama.exporter.metrics().all("inferometer_backend_up", backend="box", runtime="llamacpp") == [1]
