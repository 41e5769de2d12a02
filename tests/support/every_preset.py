"""A board that holds one panel of every preset."""

from __future__ import annotations

from inferometer import units
from inferometer.dashboards import links, look, variables
from inferometer.dashboards import panels as p
from inferometer.dashboards.layout import Board, Row

STATES = look.Words({1: ("serving", look.GOOD), 0: ("down", look.BAD)})


def every_preset() -> Board:
    """Each preset, each of its switches on somewhere, and every kind of variable, annotation and link."""
    latency = [p.Query(f"histogram_quantile({q}, b)", name) for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]
    hues = look.percentile_lines("p50", "p95", "p99")
    return Board(
        uid="inferometer-every",
        title="Every preset",
        description="One panel of each kind.",
        tags=["inferometer"],
        rows=[
            Row(
                "",
                p.stat("Serving", "Backends up.", "up", "percentunit", thresholds=look.low_is_bad(0.9, 1), status=True),
                p.stat("Tokens", "Generated.", "t", units.TOKENS_PER_SECOND.grafana, colour=look.GENERATED, decimals=1),
                p.stat("Errors", "Failed.", "e", "percentunit", links=[links.link("Runbook", "https://example.org")]),
            ),
            Row(
                "Is it fast?",
                p.lines(
                    "First token",
                    "Latency.",
                    latency,
                    "s",
                    limit=1,
                    overrides=hues,
                ),
                p.heat("First token, every request", "Distribution.", "sum by (le) (b)", "s"),
            ),
            Row("Is it serving?", p.timeline("Backends", "Health.", "up", "{{backend}}", STATES), collapsed=True),
            Row(
                "What is it doing?",
                p.lines("Wide", "Many.", [p.Query("r", "{{model}}")], "reqps", stacked=True, width=24, maximum=1),
                p.ranking("Load", "Busiest first.", "sort_desc(l)", "{{host}}", "percentunit", maximum=1),
                p.share("Share", "Of tokens.", "s", "{{model}}", "short", overrides=look.pinned(["llama", "qwen"])),
                p.text("Not told", "What llama.cpp lacks.", "llama.cpp tells **no** errors."),
                p.table(
                    "Fleet",
                    "One row for each backend.",
                    [
                        p.Label("backend", "Backend", 140, (links.drill("Open", "inferometer-engine", "backend"),)),
                        p.Measure("State", "up", cell="status", words=(STATES,), expected=True),
                        p.Measure("KV cache", "kv", "percentunit", "gauge", look.high_is_bad(0.85, 0.95), maximum=1),
                    ],
                    sort_by="Backend",
                ),
            ),
        ],
        variables=[
            variables.datasource(),
            variables.label_values("job", "Job", "up", "job"),
            variables.query_result("model", "Model", "count by (model) (m)", "model", text_label="alias", hide=True),
            variables.custom("unit", "Unit", ["tokens", "requests"]),
            variables.constant("cluster", "lab"),
        ],
        annotations=[links.alerts('backend=~"$backend"'), links.restarts("changes(start[1m]) > 0")],
        links=[links.menu("Inferometer", "inferometer")],
    )
