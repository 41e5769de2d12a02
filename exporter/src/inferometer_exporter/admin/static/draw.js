// Elements, tables and small pictures. All text goes through textContent: nothing from outside is ever markup.

const SVG = "http://www.w3.org/2000/svg";

export const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

const svg = (name, attributes, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

// A word with its shape, in the colour of its meaning.
export const mark = ([kind, shape, word]) =>
  el("span", { class: "mark " + kind }, el("span", { "aria-hidden": "true" }, shape), " " + word);

// columns: [title, row => text or node, "n" for numbers, or ""]. A row's table says so when it is empty.
export const table = (title, columns, rows, empty, about = "") => {
  const head = el("tr", {}, ...columns.map(([name, , kind]) => el("th", { scope: "col", class: kind }, name)));
  const cells = (row) => columns.map(([, read, kind]) => {
    const value = read(row);
    const cell = el("td", { class: kind }, value);
    if (typeof value === "string" && value.length > 24) cell.title = value;
    return cell;
  });
  const none = el("tr", {}, el("td", { colspan: columns.length, class: "empty" }, empty));
  const body = el("tbody", {}, ...(rows.length ? rows.map((row) => el("tr", {}, ...cells(row))) : [none]));
  return el("section", { class: "table" },
    el("h2", {}, title, about ? el("small", {}, about) : null),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      el("table", {}, el("thead", {}, head), body)));
};

// A line over the last minutes. Gaps (null) are gaps: a stretch without traffic is not drawn as 0.
export const sparkline = (values, points = 60) => {
  const width = 120, height = 28;
  const numbers = values.filter((value) => value !== null);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", preserveAspectRatio: "none", "aria-hidden": "true" });
  const top = Math.max(...numbers, 0);
  const step = width / (points - 1);
  const start = points - values.length;
  const y = (value) => height - 2 - (top ? (value / top) * (height - 5) : 0);
  let path = "", area = "", run = [];
  const flush = () => {
    if (!run.length) return;
    if (run.length === 1) run.push([run[0][0] + step / 2, run[0][1]]);
    const line = run.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L");
    path += "M" + line;
    area += `M${run[0][0].toFixed(1)} ${height}L${line}L${run.at(-1)[0].toFixed(1)} ${height}Z`;
    run = [];
  };
  values.forEach((value, index) => (value === null ? flush() : run.push([(start + index) * step, y(value)])));
  flush();
  picture.append(svg("path", { d: area, class: "area" }), svg("path", { d: path, class: "line" }));
  return picture;
};

// Bars, one a row: what went well below, what failed on top, so that both are read against one scale.
export const bars = (title, rows, label, read, format, about = "") => {
  const width = 720, height = 120;
  const parts = rows.map((row) => ({ name: label(row), ...read(row) }));
  const top = Math.max(...parts.map((part) => part.value), 0);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "bars", role: "img", "aria-label": title, preserveAspectRatio: "none" });
  const slot = width / Math.max(parts.length, 1);
  parts.forEach((part, index) => {
    const scale = top ? (height - 4) / top : 0;
    const full = part.value * scale, failed = (part.failed ?? 0) * scale;
    const x = (index * slot + Math.min(1.5, slot * 0.1)).toFixed(2);
    const wide = Math.max(slot - Math.min(3, slot * 0.2), 0.5).toFixed(2);
    const group = svg("g", {});
    const hint = document.createElementNS(SVG, "title");
    hint.textContent = `${part.name}: ${format(part.value)}` + (part.failed ? `, ${format(part.failed)} failed` : "");
    group.append(hint, svg("rect", { x: (index * slot).toFixed(2), y: 0, width: slot.toFixed(2), height, class: "hit" }));
    group.append(svg("rect", { x, y: (height - full).toFixed(2), width: wide, height: (full - failed).toFixed(2), class: "ok" }));
    if (failed) group.append(svg("rect", { x, y: (height - failed).toFixed(2), width: wide, height: failed.toFixed(2), class: "failed" }));
    picture.append(group);
  });
  const ticks = parts.length > 12 ? [0, 1, 2, 3, 4].map((n) => Math.round((n * (parts.length - 1)) / 4)) : parts.map((_, n) => n);
  return el("section", { class: "chart" },
    el("h2", {}, title, about ? el("small", {}, about) : null),
    top
      ? el("div", {}, el("p", { class: "scale" }, format(top)), picture,
        el("p", { class: "axis" }, ...ticks.map((n) => el("span", {}, parts[n].name))))
      : el("p", { class: "empty" }, "No traffic in this time."));
};
