// Numbers as people read them. What is not known is "–", never 0.

export const NONE = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

const three = (value) => {
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

export const count = (value) => (known(value) ? Math.round(value).toLocaleString("en") : NONE);

export const short = (value) => {
  if (!known(value)) return NONE;
  for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(value) >= limit) return three(value / (unit === "k" ? 1e3 : limit)) + " " + unit;
  }
  return count(value);
};

export const rate = (value) => {
  if (!known(value)) return NONE;
  return value > 0 && value < 0.01 ? "< 0.01" : value >= 10000 ? short(value) : three(value);
};

export const share = (value) => {
  if (!known(value)) return NONE;
  const percent = value * 100;
  if (percent > 0 && percent < 0.01) return "< 0.01 %";
  return (percent === 0 ? "0" : percent < 10 ? percent.toFixed(2) : percent.toFixed(1)) + " %";
};

export const seconds = (value) => {
  if (!known(value)) return NONE;
  if (value < 0.9995) return Math.round(value * 1000) + " ms";
  if (value < 60) return value.toFixed(value < 10 ? 2 : 1) + " s";
  return span(value);
};

export const milliseconds = (value) => seconds(known(value) ? value / 1000 : null);

export const span = (value) => {
  if (!known(value)) return NONE;
  const whole = Math.max(0, Math.round(value));
  const [d, h, m] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${whole % 60} s` : `${whole} s`;
};

export const bytes = (value) => {
  if (!known(value)) return NONE;
  for (const [size, unit] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (value >= size) return three(value / size) + " " + unit;
  }
  return count(value) + " B";
};

const pad = (value) => String(value).padStart(2, "0");

export const clock = (epoch) => {
  if (!known(epoch)) return NONE;
  const date = new Date(epoch * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
};

export const moment = (epoch) => {
  if (!known(epoch)) return NONE;
  const date = new Date(epoch * 1000);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock(epoch)}`;
};

// Today's times stand alone; older ones carry their day.
export const when = (epoch) => {
  if (!known(epoch)) return NONE;
  const today = new Date().toDateString() === new Date(epoch * 1000).toDateString();
  return today ? clock(epoch) : moment(epoch).slice(5);
};

export const text = (value) => (value === null || value === undefined || value === "" ? NONE : String(value));

const STATUS = {
  completed: ["good", "✓", "completed"],
  failed: ["bad", "✕", "failed"],
  client_disconnected: ["dim", "←", "client left"],
  incomplete: ["warn", "◐", "incomplete"],
  no_output: ["warn", "○", "no output"],
  retried: ["warn", "↻", "retried"],
  rejected: ["warn", "⊘", "rejected"],
};

// Class, shape and word of a status: colour is never alone.
export const status = (value) => STATUS[value] ?? ["dim", "?", text(value)];

export const plain = (word) => text(word).replaceAll("_", " ");
