"""Specs for the writers' tests, and the files that they give, in memory or in a folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from inferometer import stack
from inferometer.bundle import from_values
from inferometer.plan import Plan, resolve
from inferometer.spec.load import loads

SPECS = Path(__file__).resolve().parents[2] / "fixtures/specs"

SHORTEST = """\
backends:
  - name: box
    ollama: http://127.0.0.1:11434
"""

# Every way to log in, to be told, and to keep samples. Capitals are filled in: VictoriaMetrics takes no headers.
_FULL = """\
fleet: {name: llm, environment: staging, cluster: eu, labels: {team: ml}}
platform: PLATFORM
backends:
  - name: gpu
    vllm: [https://10.0.0.1:8000, https://10.0.0.2:8000]
    labels: {rack: r1}
    scrape:
      interval: 5s
      params: {name: a}
      sample_limit: 12345
      auth: {bearer_file: secrets/vllm}
      tls: {ca_file: secrets/ca.pem, cert_file: secrets/cert.pem, key_file: secrets/key.pem, server_name: gpu.local}
      HEADERS
  - name: box
    llamacpp: http://127.0.0.1:8080
    models: [tiny]
    cluster: us
    scrape: {path: /deep/metrics, timeout: 3s, auth: {basic: {username: me, password_file: /run/secrets/box}}}
  - name: desk
    ollama: http://127.0.0.1:11434
    models: [llama3.2, qwen3]
  - name: front
    openai: http://10.0.0.9:4000
    behind: [box]
    cluster: us
    labels: {pool: p1}
hosts:
  - {name: gpu-host-1, address: 10.0.0.1}
storage:
  kind: KIND
  retention: 30d
  scrape_interval: 20s
  evaluation_interval: 30s
  remote_write:
    - {url: "https://far.example.org/api/v1/write", auth: {bearer_file: secrets/far}}
    - url: https://other.example.org/push?tenant=a,b
      auth: {basic: {username: "me, too", password_file: secrets/other}}
      tls: {ca_file: secrets/ca.pem, insecure_skip_verify: true}
alerting:
  receivers:
    - name: ops
      slack: {webhook_file: secrets/slack, channel: "#llm"}
      email:
        to: ops@example.org
        from: llm@example.org
        smarthost: mail.example.org:587
        username: llm
        password_file: secrets/mail
      webhook: [{url: "http://10.0.0.5/hook"}, {url_file: secrets/hook}]
    - name: pager
      pagerduty: {routing_key_file: secrets/pagerduty}
    - name: ml
      slack: {webhook_file: secrets/slack-ml}
  default: ops
  routes:
    - {match: {severity: critical}, receiver: pager, continue: true}
    - {match: {backend: '~gpu\\.?|"odd"', team: ml}, receiver: ml}
    - {match: {alertname: Watchdog}, receiver: pager}
  watchdog: {url_file: secrets/watchdog}
  group_wait: 10s
"""

_HEADERS = "headers: {X-Key: {file: secrets/x-key}}"


def full(kind: str = "prometheus", platform: str = "compose") -> str:
    """The spec with everything that this storage can do."""
    headers = _HEADERS if kind == "prometheus" else ""
    return _FULL.replace("HEADERS", headers).replace("PLATFORM", platform).replace("KIND", kind)


@cache
def plan(spec: str) -> Plan:
    return resolve(loads(spec))


@cache
def files(spec: str) -> dict[str, bytes]:
    """Path to bytes, as the bundle writes them."""
    return from_values(stack.write(plan(spec))).rendered()


def data(spec: str, path: str) -> Any:
    """A YAML file's content."""
    return yaml.safe_load(files(spec)[path])


def lines(spec: str, path: str) -> list[str]:
    return files(spec)[path].decode().splitlines()


def lay_out(spec: str, folder: Path, rules: str = "groups: []\n") -> Path:
    """The files below a folder, with one rule file beside them: the tree as a user has it. Returns the folder."""
    for path, content in {**files(spec), "alerts/rules.yaml": rules.encode()}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def jobs(spec: str, path: str = "stack/prometheus/prometheus.yml") -> dict[str, Any]:
    """Scrape jobs by name."""
    return {job["job_name"]: job for job in data(spec, path)["scrape_configs"]}
