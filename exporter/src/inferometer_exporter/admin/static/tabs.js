// What each tab shows. `slow` ones ask the trace store for sums; `hours` ones heed the choice of time.

import { bars, el, mark, table } from "./draw.js";
import * as words from "./words.js";

const said = (answers, otherwise) => answers.find((answer) => answer.why)?.why ?? otherwise;
const ratio = (part, whole) => (whole ? part / whole : null);
const tags = (row) => words.text(Array.isArray(row.tags) ? row.tags.join(", ") : row.tags);
const node = (row) => (row.node_id === row.backend ? row.backend : `${row.backend} / ${row.node_id}`);

const model = (row) => {
  const asked = row.fallback_used && row.original_model !== row.model ? ` (asked ${row.original_model})` : "";
  return words.text(row.model || row.original_model) + asked;
};

const reason = (row) => {
  const parts = [row.error_message, row.retry_count ? `${row.retry_count} ${row.retry_count === 1 ? "retry" : "retries"}` : null, row.error_message ? null : row.finish_reason];
  return words.text(parts.filter(Boolean).join("; "));
};

const TRACE = [
  ["Time", (row) => words.when(row.timestamp)],
  ["Model", model],
  ["Backend", node],
  ["App", tags],
  ["Status", (row) => mark(words.status(row.status))],
  ["First token", (row) => words.milliseconds(row.time_to_first_token_ms), "n"],
  ["Duration", (row) => words.milliseconds(row.latency_ms), "n"],
  ["Tokens in", (row) => words.count(row.prompt_tokens), "n"],
  ["Tokens out", (row) => words.count(row.completion_tokens), "n"],
  ["Reason", reason],
];

const FAILED = [...TRACE.slice(0, 5), ["HTTP", (row) => words.text(row.http_status), "n"], TRACE[6], TRACE[9], ["Route", (row) => words.text(row.api)]];

// The columns that every sum over hours has, after its name.
const sums = (name, read) => [
  [name, read],
  ["Requests", (row) => words.count(row.requests), "n"],
  ["Failed", (row) => words.share(ratio(row.failures, row.requests)), "n"],
  ["Clients left", (row) => words.count(row.client_disconnects), "n"],
  ["First token p50", (row) => words.milliseconds(row.first_token_ms.p50), "n"],
  ["p95", (row) => words.milliseconds(row.first_token_ms.p95), "n"],
  ["Duration p50", (row) => words.milliseconds(row.latency_ms.p50), "n"],
  ["p95", (row) => words.milliseconds(row.latency_ms.p95), "n"],
  ["p99", (row) => words.milliseconds(row.latency_ms.p99), "n"],
  ["Tokens in", (row) => words.short(row.prompt_tokens), "n"],
  ["Tokens out", (row) => words.short(row.completion_tokens), "n"],
];

const liveModels = (summary) => {
  const rows = summary.models.filter((row) => row.requests_total || row.in_flight || row.loaded || row.model !== "other");
  rows.sort((a, b) => b.requests_per_second - a.requests_per_second || b.requests_total - a.requests_total);
  const many = summary.backends.length > 1;
  return table("By model", [
    ["Model", (row) => row.model],
    ...(many ? [["Backend", (row) => row.backend]] : []),
    ["Loaded", (row) => (row.loaded ? mark(["good", "●", "yes"]) : "no")],
    ["Requests/s", (row) => (row.requests ? words.rate(row.requests_per_second) : "no traffic"), "n"],
    ["Failed", (row) => words.share(row.failure_share), "n"],
    ["First token p50", (row) => words.seconds(row.first_token_p50), "n"],
    ["p95", (row) => words.seconds(row.first_token_p95), "n"],
    ["Tokens out/s", (row) => (row.requests ? words.rate(row.tokens_per_second) : words.NONE), "n"],
    ["In flight", (row) => words.count(row.in_flight), "n"],
    ["Requests since start", (row) => words.count(row.requests_total), "n"],
  ], rows, "No model has been asked yet.", `last ${Math.round(summary.window_seconds)} s`);
};

const live = async ({ summary, ask }) => {
  const traces = await ask("recent", { limit: 25 });
  return [liveModels(summary), table("Last requests", TRACE, traces.rows, said([traces], "No request yet."))];
};

const models = async ({ ask, hours }) => {
  const [byModel, slowest, fallbacks] = await Promise.all([ask("models", { hours }), ask("slowest", { hours, limit: 15 }), ask("fallbacks", { hours })]);
  return [
    table("By model", sums("Model", (row) => words.text(row.name)), byModel.rows, said([byModel], "No traffic in this time."), "quantiles are estimates"),
    table("Slowest requests", TRACE, slowest.rows, said([slowest], "No traffic in this time.")),
    table("Fallbacks", [
      ["Asked for", (row) => words.text(row.asked)],
      ["Answered by", (row) => words.text(row.served)],
      ["Requests", (row) => words.count(row.requests), "n"],
    ], fallbacks.rows, said([fallbacks], "No model stood in for another.")),
  ];
};

const apps = async ({ ask, hours }) => {
  const byTag = await ask("tags", { hours });
  return [table("By tag", sums("App", (row) => words.text(row.name)), byTag.rows,
    said([byTag], "No tagged request in this time. Clients tag by X-Herd-Tags, metadata.tags or user."), "a request with two tags counts for both")];
};

const HOUR = 3600;

// The store tells only hours with traffic; those without are bars of no height, not left out.
const everyHour = (rows, hours, now) => {
  const found = new Map(rows.map((row) => [row.hour, row]));
  const last = Math.floor(now / HOUR) * HOUR, first = Math.floor((now - hours * HOUR) / HOUR) * HOUR;
  return Array.from({ length: (last - first) / HOUR + 1 }, (_, n) => found.get(first + n * HOUR) ?? quiet({ hour: first + n * HOUR }));
};

const everyHourOfDay = (rows) => Array.from({ length: 24 }, (_, hour) => rows.find((row) => row.hour_of_day === hour) ?? quiet({ hour_of_day: hour }));

const everyDay = (rows) => {
  const found = new Map(rows.map((row) => [row.day, row])), all = [];
  if (!rows.length) return all;
  const last = Date.parse(rows.at(-1).day);
  for (let day = Date.parse(rows[0].day); day <= last; day += 24 * HOUR * 1000) {
    const name = new Date(day).toISOString().slice(0, 10);
    all.push(found.get(name) ?? quiet({ day: name }));
  }
  return all;
};

const quiet = (row) => ({ ...row, requests: 0, failures: 0, completion_tokens: 0 });

const trends = async ({ summary, ask, hours }) => {
  const [byHour, byDay, ofDay, nodes] = await Promise.all([ask("hours", { hours }), ask("days", { days: 30 }), ask("hours-of-day", { days: 7 }), ask("nodes", { hours })]);
  const load = (row) => ({ value: row.requests, failed: row.failures });
  const out = (row) => ({ value: row.completion_tokens });
  const hour = (row) => words.moment(row.hour).slice(5, 16);
  const why = said([byHour, byDay, ofDay], "");
  if (why) return [el("p", { class: "empty" }, why)];
  const rows = everyHour(byHour.rows, Number(hours), summary.time);
  return [
    bars("Requests by hour", rows, hour, load, words.short, "red at the foot: failed"),
    bars("Tokens out by hour", rows, hour, out, words.short),
    bars("Requests by hour of the day", everyHourOfDay(ofDay.rows), (row) => String(row.hour_of_day).padStart(2, "0") + ":00", load, words.short, "last 7 days"),
    bars("Requests by day", everyDay(byDay.rows), (row) => words.text(row.day), load, words.short, "last 30 days"),
    table("By node", sums("Node", (row) => words.text(row.name)), nodes.rows, said([nodes], "No traffic in this time.")),
  ];
};

const CLIENTS = new Set(["client_disconnected", "client_error"]);

// One row for each reason: how often, and which models most.
const byReason = (summary) => {
  const total = summary.models.reduce((sum, row) => sum + row.requests_total, 0);
  const found = new Map();
  for (const row of summary.models) {
    for (const [why, number] of Object.entries(row.failures_total)) {
      const reason = found.get(why) ?? { why, number: 0, share: 0, where: [] };
      reason.number += number;
      reason.where.push([number, `${row.model} on ${row.backend}`]);
      found.set(why, reason);
    }
  }
  const rows = [...found.values()].sort((a, b) => CLIENTS.has(a.why) - CLIENTS.has(b.why) || b.number - a.number);
  for (const row of rows) {
    row.share = ratio(row.number, total);
    row.where = row.where.sort((a, b) => b[0] - a[0]).slice(0, 3).map(([number, name]) => `${name}: ${words.count(number)}`).join("; ");
  }
  return rows;
};

const failures = async ({ summary, ask, hours }) => {
  const [rows, retries] = await Promise.all([ask("failures", { limit: 100 }), ask("retries", { hours })]);
  return [
    table("Reasons since the exporter's start", [
      ["Reason", (row) => words.plain(row.why)],
      ["Counts as", (row) => mark(CLIENTS.has(row.why) ? ["dim", "←", "the client's doing"] : ["bad", "✕", "failure"])],
      ["Requests", (row) => words.count(row.number), "n"],
      ["of all", (row) => words.share(row.share), "n"],
      ["Most of them", (row) => row.where, "wide"],
    ], byReason(summary), "Nothing has failed."),
    table("Last requests that did not complete", FAILED, rows.rows, said([rows], "Every request kept here has completed.")),
    table("Retries by node", [
      ["Node", (row) => words.text(row.name)],
      ["Requests", (row) => words.count(row.requests), "n"],
      ["Retries", (row) => words.count(row.retries), "n"],
      ["Failed", (row) => words.share(row.failure_ratio), "n"],
    ], retries.rows.filter((row) => row.retries), said([retries], "No request was repeated.")),
  ];
};

const SEVERITY = { critical: ["bad", "▲"], error: ["bad", "▲"], warning: ["warn", "◆"], info: ["dim", "●"] };

const herdTables = (backend) => {
  const herd = backend.herd, ago = (age) => `${backend.name}, ${words.span(age)} ago`;
  return [
    table("Herd checks", [
      ["Severity", (row) => mark([...(SEVERITY[row.severity.toLowerCase()] ?? ["dim", "?"]), row.severity])],
      ["Check", (row) => words.plain(row.check_id)],
      ["Node", (row) => row.node || "whole fleet"],
    ], herd.checks, "Herd reports nothing.", ago(herd.checks_ago)),
    table("Herd nodes", [
      ["Node", (row) => row.name],
      ["Status", (row) => row.status],
      ["Models loaded", (row) => words.count(row.models_loaded), "n"],
      ["Requests", (row) => words.count(row.requests_active), "n"],
      ["Memory used", (row) => `${words.bytes(row.memory_used)} of ${words.bytes(row.memory_total)}`, "n"],
      ["Pressure", (row) => words.text(row.pressure)],
      ["CPU", (row) => words.share(row.cpu), "n"],
    ], herd.nodes, "Herd knows no node.", ago(herd.nodes_ago)),
    table("Herd queues", [
      ["Node", (row) => row.node],
      ["Model", (row) => row.model],
      ...["pending", "in_flight", "completed", "failed", "rejected"].map((key) => [words.plain(key), (row) => words.count(row[key]), "n"]),
    ], herd.queues, "No queue.", ago(herd.queues_ago)),
  ];
};

const addressState = (up) => mark(up === true ? ["good", "●", "answers"] : up === false ? ["bad", "▲", "does not answer"] : ["warn", "○", "not asked yet"]);

const health = async ({ summary }) => {
  const store = summary.store;
  const addresses = summary.backends.flatMap((backend) => backend.addresses.map((one) => ({ ...backend, ...one })));
  const loaded = summary.backends.flatMap((backend) => backend.loaded.map((one) => ({ ...one, backend: backend.name })));
  const dropped = Object.entries(summary.dropped).filter(([, number]) => number).map(([why, number]) => ({ why, number }));
  return [
    table("Servers", [
      ["Backend", (row) => row.name],
      ["Kind", (row) => `${row.engine} ${row.version}`],
      ["Address", (row) => row.address],
      ["State", (row) => addressState(row.up)],
      ["Looked at", (row) => (row.checked_ago === null ? "never" : `${words.span(row.checked_ago)} ago`)],
      ["Clients use", (row) => row.listen],
      ["Models it can serve", (row) => words.count(row.known), "n"],
      ["Requests not metered", (row) => words.count(row.unmetered), "n"],
    ], addresses, "No backend."),
    table("Models loaded", [
      ["Model", (row) => row.model],
      ["Backend", (row) => row.backend],
      ["Size", (row) => words.bytes(row.size_bytes), "n"],
      ["in GPU memory", (row) => words.bytes(row.vram_bytes), "n"],
      ["share", (row) => words.share(ratio(row.vram_bytes ?? NaN, row.size_bytes)), "n"],
    ], loaded, "No server tells of a loaded model."),
    table("Trace store", [
      ["State", () => mark(!store.kept ? ["dim", "○", "no traces are kept"] : store.writable === false ? ["bad", "▲", "not written now"] : ["good", "●", "written"])],
      ["Traces", (row) => words.count(row.rows), "n"],
      ["Size", (row) => `${words.bytes(row.bytes)} of at most ${words.bytes(row.max_bytes)}`, "n"],
      ["Kept for", (row) => words.span(row.retention_seconds), "n"],
    ], [store], ""),
    table("Traces that were not written", [["Reason", (row) => words.plain(row.why)], ["Traces", (row) => words.count(row.number), "n"]], dropped, "None since the start."),
    ...summary.backends.filter((backend) => backend.herd).flatMap(herdTables),
  ];
};

export const TABS = {
  live: { draw: live },
  models: { draw: models, slow: true, hours: true },
  apps: { draw: apps, slow: true, hours: true },
  trends: { draw: trends, slow: true, hours: true },
  failures: { draw: failures, slow: true, hours: true },
  health: { draw: health },
};
