"""Which files there are for which fleet, what they say about the fleet, and that none of them holds a secret."""

from __future__ import annotations

import re

import pytest

from tests.unit.stack import trees

FULL = trees.full()
PROMETHEUS = "stack/prometheus/prometheus.yml"

COMMON = {
    "stack/fleet.schema.json",
    "stack/alertmanager/README.md",
    "stack/alertmanager/alertmanager.yml",
    "stack/alertmanager/flags",
    "stack/alertmanager/templates/inferometer.tmpl",
    "stack/grafana/README.md",
    "stack/grafana/provisioning/dashboards/inferometer.yaml",
    "stack/grafana/provisioning/datasources/inferometer.yaml",
}
EXPORTER = {"stack/exporter/README.md", "stack/exporter/exporter.yaml"}
OF_PROMETHEUS = {"stack/prometheus/README.md", "stack/prometheus/flags", "stack/prometheus/prometheus.yml"}
OF_VICTORIAMETRICS = {
    "stack/victoriametrics/README.md",
    "stack/victoriametrics/notifier.yml",
    "stack/victoriametrics/victoriametrics.flags",
    "stack/victoriametrics/vmagent.flags",
    "stack/victoriametrics/vmagent.yml",
    "stack/victoriametrics/vmalert.flags",
}


def test_a_fleet_on_prometheus_has_no_file_for_victoriametrics() -> None:
    assert trees.files(trees.SHORTEST).keys() == COMMON | EXPORTER | OF_PROMETHEUS


def test_a_fleet_on_victoriametrics_has_no_file_for_prometheus() -> None:
    spec = trees.SHORTEST + "storage: {kind: victoriametrics}\n"
    assert trees.files(spec).keys() == COMMON | EXPORTER | OF_VICTORIAMETRICS


def test_labels_for_remote_storages_are_there_where_there_are_such() -> None:
    files = trees.files(trees.full("victoriametrics")).keys()
    assert files == COMMON | EXPORTER | OF_VICTORIAMETRICS | {"stack/victoriametrics/external-labels.yml"}


def test_a_fleet_that_nothing_records_has_no_exporter() -> None:
    assert trees.files("backends: [{name: a, vllm: 10.0.0.1}]\n").keys() == COMMON | OF_PROMETHEUS


def test_prometheus_gives_what_leaves_it_the_labels_of_the_fleet() -> None:
    settings = trees.data(FULL, PROMETHEUS)["global"]
    assert settings == {
        "scrape_interval": "20s",
        "scrape_timeout": "10s",
        "evaluation_interval": "30s",
        "external_labels": {"fleet": "llm", "environment": "staging", "cluster": "eu", "team": "ml"},
    }


def test_prometheus_writes_to_each_remote_storage_with_its_login() -> None:
    assert trees.data(FULL, PROMETHEUS)["remote_write"] == [
        {
            "url": "https://far.example.org/api/v1/write",
            "authorization": {"credentials_file": "../secrets/far"},
        },
        {
            "url": "https://other.example.org/push?tenant=a,b",
            "basic_auth": {"username": "me, too", "password_file": "../secrets/other"},
            "tls_config": {"ca_file": "../secrets/ca.pem", "insecure_skip_verify": True},
        },
    ]


def test_alerts_go_to_the_alertmanager_beside_or_to_the_one_of_the_spec() -> None:
    def found(spec: str) -> object:
        return trees.data(spec, PROMETHEUS)["alerting"]["alertmanagers"]

    assert found(trees.SHORTEST) == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    elsewhere = trees.SHORTEST + "alerting: {address: https://am.example.org}\n"
    assert found(elsewhere) == [{"scheme": "https", "static_configs": [{"targets": ["am.example.org:443"]}]}]


@pytest.mark.parametrize(
    ("spec", "path", "expected"),
    [
        (
            trees.SHORTEST + "storage: {retention: 90d, retention_size: 50GB}\n",
            "stack/prometheus/flags",
            [
                "--config.file=prometheus.yml",
                "--storage.tsdb.retention.time=90d",
                "--storage.tsdb.retention.size=50GB",
            ],
        ),
        (
            trees.SHORTEST + "platform: host\n",
            "stack/prometheus/flags",
            [
                "--config.file=prometheus.yml",
                "--storage.tsdb.retention.time=31d",
                "--web.listen-address=127.0.0.1:9090",
            ],
        ),
        (
            trees.SHORTEST + "platform: host\n",
            "stack/alertmanager/flags",
            [
                "--config.file=alertmanager.yml",
                "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:9093",
            ],
        ),
        (
            trees.full("victoriametrics"),
            "stack/victoriametrics/vmagent.flags",
            [
                "-promscrape.config=vmagent.yml",
                "-remoteWrite.maxDiskUsagePerURL=1GB",
                "-remoteWrite.url=http://victoriametrics:8428/api/v1/write",
                "-remoteWrite.url=https://far.example.org/api/v1/write",
                '-remoteWrite.url="https://other.example.org/push?tenant=a,b"',
                '-remoteWrite.urlRelabelConfig=""',
                "-remoteWrite.urlRelabelConfig=external-labels.yml",
                "-remoteWrite.urlRelabelConfig=external-labels.yml",
                '-remoteWrite.bearerTokenFile=""',
                "-remoteWrite.bearerTokenFile=../secrets/far",
                '-remoteWrite.bearerTokenFile=""',
                '-remoteWrite.basicAuth.username=""',
                '-remoteWrite.basicAuth.username=""',
                '-remoteWrite.basicAuth.username="me, too"',
                '-remoteWrite.basicAuth.passwordFile=""',
                '-remoteWrite.basicAuth.passwordFile=""',
                "-remoteWrite.basicAuth.passwordFile=../secrets/other",
                '-remoteWrite.tlsCAFile=""',
                '-remoteWrite.tlsCAFile=""',
                "-remoteWrite.tlsCAFile=../secrets/ca.pem",
                "-remoteWrite.tlsInsecureSkipVerify=false",
                "-remoteWrite.tlsInsecureSkipVerify=false",
                "-remoteWrite.tlsInsecureSkipVerify=true",
            ],
        ),
        (
            trees.full("victoriametrics", "host"),
            "stack/victoriametrics/victoriametrics.flags",
            ["-retentionPeriod=30d", "-httpListenAddr=127.0.0.1:8428"],
        ),
        (
            trees.full("victoriametrics", "host"),
            "stack/victoriametrics/vmalert.flags",
            [
                "-rule=../../alerts/*.yaml",
                "-datasource.url=http://127.0.0.1:8428",
                "-remoteRead.url=http://127.0.0.1:8428",
                "-remoteWrite.url=http://127.0.0.1:8429",
                "-notifier.config=notifier.yml",
                "-evaluationInterval=30s",
                "-disableAlertgroupLabel",
                "-httpListenAddr=127.0.0.1:8880",
            ],
        ),
    ],
)
def test_flags_are_one_a_line(spec: str, path: str, expected: list[str]) -> None:
    assert trees.lines(spec, path) == expected


@pytest.mark.parametrize(
    ("spec", "url", "interval"),
    [
        (trees.SHORTEST, "http://prometheus:9090", "15s"),
        (trees.full(platform="host"), "http://127.0.0.1:9090", "20s"),
        (trees.full("victoriametrics"), "http://victoriametrics:8428", "20s"),
    ],
)
def test_grafana_asks_the_storage_with_a_rate_interval_that_fits(spec: str, url: str, interval: str) -> None:
    [source] = trees.data(spec, "stack/grafana/provisioning/datasources/inferometer.yaml")["datasources"]
    assert (source["uid"], source["type"], source["url"]) == ("inferometer", "prometheus", url)
    assert (source["isDefault"], source["editable"]) == (True, False)
    assert (source["jsonData"]["timeInterval"], source["jsonData"]["httpMethod"]) == (interval, "POST")


def test_grafana_finds_the_boards_where_containers_have_them() -> None:
    [provider] = trees.data(trees.SHORTEST, "stack/grafana/provisioning/dashboards/inferometer.yaml")["providers"]
    assert provider["options"]["path"] == "/etc/inferometer/dashboards"
    assert (provider["folder"], provider["allowUiUpdates"], provider["disableDeletion"]) == (
        "Inferometer",
        False,
        False,
    )


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics"])
def test_each_readme_names_every_file_beside_it(kind: str) -> None:
    files = trees.files(trees.full(kind))
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        if name != "README.md":
            continue
        beside = [
            other.removeprefix(f"{folder}/") for other in files if other.startswith(f"{folder}/") and other != path
        ]
        assert [other for other in beside if f"`{other}`" not in text.decode()] == []


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics"])
def test_every_password_token_and_key_is_a_file(kind: str) -> None:
    """Keys that hold a secret itself, as the programs' documentation names them."""
    literal = re.compile(
        r"^\W*(password|credentials|bearer_token|api_url|service_key|routing_key|auth_password|auth_secret"
        r"|remoteWrite\.(bearerToken|basicAuth\.password|headers))[:=]"
    )
    for path in trees.files(trees.full(kind)):
        assert [line for line in trees.lines(trees.full(kind), path) if literal.match(line)] == [], path
