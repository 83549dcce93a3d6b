// The charts of the overview: the last hours. How many sessions there were is known from before this process
// began; what was stale, and how late sessions ended, only since.

import uPlot from "../vendor/uplot-1.6.32.js";
import { call } from "./api.js";
import { recalled, remember } from "./memory.js";
import { span } from "./times.js";

const columns = ["at", "waiting", "live", "scheduled", "stale", "lagSeconds"];
const data = Object.fromEntries(columns.map((name) => [name, []]));
const every = 10_000; // ms

// shown returns the part of the data that the reader chose to see.
function shown() {
  const begin = (data.at.at(-1) ?? 0) - Number(document.querySelector("[name=range]:checked")?.value ?? Infinity);
  const from = Math.max(0, data.at.findIndex((t) => t >= begin));
  return Object.fromEntries(columns.map((name) => [name, data[name].slice(from)]));
}

const first = (d, name) => Math.max(0, d[name].findIndex((v) => v !== null));
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : seconds < 10 ? `${seconds.toFixed(1)} s` : span(seconds));
const whole = (n) => (n === null || n === undefined ? "–" : n.toLocaleString("en"));

const line = (label, name, fill) => ({
  label,
  stroke: () => colour(name),
  fill: fill ? () => `color-mix(in srgb, ${colour(name)} 14%, transparent)` : undefined,
  width: 2,
  points: { show: false },
});

const charts = {
  sessions: {
    pick: (d) => [d.at, d.waiting, d.live, d.stale],
    value: whole,
    least: 4,
    series: () => [line("Waiting", "--chart-1", true), line("Live", "--chart-2"), line("Stale", "--chart-3")],
  },
  lag: {
    pick: (d) => [d.at, d.lagSeconds].map((all) => all.slice(Math.max(0, first(d, "lagSeconds") - 1))),
    value: (v) => (v === null || v === undefined ? "–" : short(v)),
    least: 1,
    series: () => [line("Longest lag", "--chart-1", true)],
  },
};

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
// moment names the places of an axis: those within one minute by their seconds.
const moment = (all) => (all.length > 1 && all[1] - all[0] < 60 ? exact : time);
const axis = (more) => ({
  stroke: () => colour("--soft"),
  grid: { stroke: () => colour("--line"), width: 1 },
  ticks: { show: false },
  font: "12px Inter, system-ui, sans-serif",
  ...more,
});

function draw(place, { pick, value, least, series }) {
  return new uPlot({
    width: place.clientWidth,
    height: 200,
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
    axes: [
      axis({ values: (_, all) => all.map((t) => moment(all).format(t * 1000)), space: 70 }),
      axis({ values: (_, all) => all.map((v) => (Number.isInteger(v) || least === 1 ? value(v) : "")), size: 56 }),
    ],
    series: [{ label: "Time", value: (_, t) => (t ? exact.format(t * 1000) : "now") }, ...series().map((s) => ({
      ...s,
      value: (u, v, i) => value(v ?? (u.cursor.idx === null ? u.data[i].at(-1) : null)),
    }))],
  }, pick(shown()), place);
}

const drawn = new Map();

function show() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = charts[place.dataset.chart];
    if (!drawn.has(place)) drawn.set(place, draw(place, chart));
    else drawn.get(place).setData(chart.pick(shown()));
  }
}

async function read() {
  const since = data.at.at(-1) ?? 0;
  const fresh = await call("GET", `/api/debug/history?since=${since}`).catch(() => null);
  if (!fresh?.at.length) return;
  for (const name of columns) data[name].push(...fresh[name]);
  show();
  say();
}

// The same in words, for whoever does not see the picture.
function say() {
  const d = shown();
  const over = (name) => {
    const minutes = (d.at.at(-1) - d.at[first(d, name)]) / 60;
    return minutes < 90 ? `the last ${Math.max(1, Math.round(minutes))} min` : `the last ${Math.round(minutes / 60)} h`;
  };
  const most = (all) => all.reduce((a, b) => Math.max(a, b ?? 0), 0);
  const within = over("stale") === over("waiting") ? "" : ` in ${over("stale")}`;
  const words = {
    sessions: `${over("waiting")}: at most ${most(d.waiting)} waiting, ${most(d.live)} live, ${most(d.stale)} stale${within}`,
    lag: `${over("lagSeconds")}: at most ${short(most(d.lagSeconds))} beyond a deadline`,
  };
  for (const node of document.querySelectorAll("[data-chart-said]")) {
    node.textContent = words[node.dataset.chartSaid];
    node.dataset.keep = "";
  }
  document.querySelectorAll("[data-chart]").forEach((node) => { node.dataset.drawn = ""; });
}

const fit = () => drawn.forEach((chart, place) => chart.setSize({ width: place.clientWidth, height: 200 }));
new ResizeObserver(fit).observe(document.querySelector(".charts"));
// Colours are taken when a chart is made.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  drawn.forEach((chart) => chart.destroy());
  drawn.clear();
  show();
});

const store = "curfew:range";
const ranges = document.getElementById("ranges");
ranges.addEventListener("change", ({ target }) => {
  remember(store, Number(target.value));
  show();
  say();
});
const kept = ranges.querySelector(`[value="${Number(recalled(store))}"]`);
if (kept) kept.checked = true;
ranges.hidden = false;

await read();
setInterval(() => { if (!document.hidden) read(); }, every);
