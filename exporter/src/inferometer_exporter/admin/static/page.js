// The page: asks for the summary every 2 s while it is looked at, and shows the numbers, the backends and one tab.

import { el, mark, sparkline } from "./draw.js";
import * as words from "./words.js";
import { TABS } from "./tabs.js";

const EVERY = 2000; // ms between two looks at the summary
const TRACES_EVERY = 15000; // ms between two looks at sums over hours: they change slowly
const LIMIT = 5000; // ms that an answer may take

const byId = (id) => document.getElementById(id);
const state = { summary: null, tab: "live", asked: 0, answered: null, timer: null, round: 0 };

const get = async (path) => {
  const answer = await fetch(path, { signal: AbortSignal.timeout(LIMIT), headers: { accept: "application/json" } });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error ?? `status ${answer.status}`), { status: answer.status });
  return said;
};

// Rows of a question. Where there are none to be had, `why` says so and the tab shows it.
const ask = async (question, parameters = {}) => {
  const query = new URLSearchParams(parameters).toString();
  try {
    return { rows: (await get(`/api/v1/${question}${query && "?" + query}`)).rows, why: "" };
  } catch (error) {
    return { rows: [], why: error.status ? `${error.message}.` : "The exporter does not answer." };
  }
};

const show = (node, visible) => {
  if (node.hidden === visible) node.hidden = !visible;
};

const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
  show(node, text !== "");
};

const backendLine = (backend) => {
  const since = words.span(backend.state_for);
  const said = { up: ["good", "●", `up ${since}`], down: ["bad", "▲", `DOWN for ${since}`], unknown: ["warn", "○", "never seen"] }[backend.state];
  const some = backend.addresses.filter((one) => one.up === false).length;
  const part = backend.state === "up" && some ? ` (${some} of ${backend.addresses.length} addresses down)` : "";
  return el("li", { class: backend.state }, el("strong", {}, backend.name), " ", el("span", { class: "dim" }, backend.engine), " ", mark([said[0], said[1], said[2] + part]));
};

const card = (label, value, about, history, tone = "") =>
  el("div", { class: "card " + tone },
    el("h2", {}, label), el("p", { class: "value" }, value), el("p", { class: "about" }, about), history ? sparkline(history) : null);

const cards = (summary) => {
  const now = summary.now, history = summary.history, idle = now.requests === 0;
  const over = `last ${Math.round(summary.window_seconds)} s`;
  const first = now.first_token_p50 === null ? (idle ? "no traffic" : "no streams") : words.seconds(now.first_token_p50);
  const tone = now.failure_share > 0.05 ? "bad" : now.failure_share > 0.01 ? "warn" : "";
  const failed = `${words.count(now.failures)} of ${words.count(now.requests)}` + (now.left ? `; ${words.count(now.left)} clients left` : "");
  return [
    card("Requests per second", idle ? "no traffic" : words.rate(now.requests_per_second), over, history.requests_per_second, idle ? "idle" : ""),
    card("Failed", idle ? "no traffic" : words.share(now.failure_share), idle ? over : failed, history.failure_share, idle ? "idle" : tone),
    card("First token, median", first, now.first_token_p95 === null ? over : `p95 ${words.seconds(now.first_token_p95)}`, history.first_token_p95, now.first_token_p50 === null ? "idle" : ""),
    card("Tokens out per second", idle ? "no traffic" : words.rate(now.tokens_per_second), `in ${words.rate(now.prompt_tokens_per_second)} per second`, history.tokens_per_second, idle ? "idle" : ""),
    card("In flight", words.count(now.in_flight), "requests now", history.in_flight),
    card("Models loaded", words.count(now.models_loaded), "as the servers tell", history.models_loaded),
  ];
};

const draw = (summary) => {
  say(byId("notice"), summary.notice);
  byId("problems").replaceChildren(...summary.problems.map((line) => el("li", {}, line)));
  show(byId("problems"), summary.problems.length > 0);
  byId("backends").replaceChildren(...summary.backends.map(backendLine));
  byId("numbers").replaceChildren(...cards(summary));
  byId("clock").textContent = words.clock(summary.time);
  byId("version").textContent = `version ${summary.version}`;
  const down = summary.backends.filter((backend) => backend.state === "down").length;
  document.title = (down ? `▲ ${down} down · ` : "") + "Inferometer exporter";
};

// Puts a tab's parts on the page without moving what the reader has scrolled or focused.
const fill = (parts) => {
  const panel = byId("panel");
  const places = [...panel.querySelectorAll(".scroll")].map((node) => [node.getAttribute("aria-label"), node.scrollTop, node.scrollLeft, node === document.activeElement]);
  panel.replaceChildren(...parts);
  for (const node of panel.querySelectorAll(".scroll")) {
    const place = places.find(([label]) => label === node.getAttribute("aria-label"));
    if (!place) continue;
    [node.scrollTop, node.scrollLeft] = [place[1], place[2]];
    if (place[3]) node.focus({ preventScroll: true });
  }
};

// Somebody who marks text in the tables wants to copy it: they stand still meanwhile.
const marking = () => {
  const chosen = document.getSelection();
  return chosen !== null && !chosen.isCollapsed && byId("panel").contains(chosen.anchorNode);
};

const drawTab = async (force) => {
  const tab = TABS[state.tab], round = ++state.round;
  if (!state.summary || (!force && (marking() || (tab.slow && Date.now() - state.asked < TRACES_EVERY)))) return;
  state.asked = Date.now();
  const parts = await tab.draw({ summary: state.summary, ask, hours: byId("span").value });
  if (round === state.round && !(marking() && !force)) fill(parts);
};

const look = async (force = false) => {
  clearTimeout(state.timer);
  if (document.hidden) return;
  try {
    state.summary = await get("/api/v1/summary");
    state.answered = Date.now();
    say(byId("silent"), "");
    draw(state.summary);
    await drawTab(force);
  } catch (error) {
    const since = state.answered ? ` Last answer ${words.clock(state.answered / 1000)}: the numbers below are old.` : "";
    say(byId("silent"), (error.status === 401 ? "Log in to see the numbers: reload the page." : error.status ? `The exporter answers with an error: ${error.message}.` : "The exporter does not answer.") + since);
  }
  document.body.classList.toggle("stale", !byId("silent").hidden);
  clearTimeout(state.timer);
  state.timer = setTimeout(look, EVERY);
};

const choose = (name, focus = false) => {
  state.tab = name in TABS ? name : "live";
  for (const button of byId("tabs").children) {
    const chosen = button.id === `tab-${state.tab}`;
    button.setAttribute("aria-selected", chosen);
    button.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) button.focus();
  }
  byId("panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  show(byId("span-label"), TABS[state.tab].hours === true);
  if (location.hash.slice(1) !== state.tab) history.replaceState(null, "", `#${state.tab}`);
  drawTab(true);
};

byId("tabs").addEventListener("click", (event) => {
  const button = event.target.closest("[role=tab]");
  if (button) choose(button.id.slice(4));
});
byId("tabs").addEventListener("keydown", (event) => {
  const names = Object.keys(TABS), here = names.indexOf(state.tab);
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: names.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  choose(names.at(next % names.length), true);
});
byId("span").addEventListener("change", () => drawTab(true));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("panel").focus();
});
window.addEventListener("hashchange", () => location.hash.slice(1) !== state.tab && choose(location.hash.slice(1)));
document.addEventListener("visibilitychange", () => document.hidden || look());

choose(location.hash.slice(1));
look(true);
