// The health report: what is wrong first, then the figures.

import { copier, h, id, quiet, table } from "./dom.js";
import { count, moment, money, since, span } from "./format.js";

/** healthReport is the whole report as nodes. */
export function healthReport(report) {
  return [findings(report), facts(report), totals(report), repeated(report)];
}

function findings({ findings: all, problems, health, recommendations }) {
  if (all?.length) {
    return h("ul", { class: "findings" }, all.map((f, i) => finding(f, problems[i])));
  }
  if (health === "healthy") {
    return h("p", { class: "fine" }, list(recommendations) || "All systems healthy");
  }
  return h("p", { class: "notice critical" }, "Some figures could not be read; those that could are below.");
}

const list = (recommendations) => (recommendations ?? []).join(" ");

function finding(f, problem) {
  return h("li", { class: `finding ${f.severity === "critical" ? "critical" : "warning"}` },
    h("div", { class: "says" },
      h("span", { class: "chip" }, f.severity), " ", h("strong", {}, problem ?? f.code)),
    f.fix ? fix(f.fix) : null,
    f.sessions?.length ? sessions(f) : null);
}

function sessions({ sessions: all, count: total }) {
  const more = total > all.length ? ` (the oldest of ${total})` : "";
  return h("details", { class: "sessions" },
    h("summary", {}, count(all.length, "session") + more),
    h("ul", {}, all.map((s) => h("li", {}, id(s)))));
}

const fix = (command) => h("div", { class: "fix" },
  h("pre", { tabindex: "0", "aria-label": "Fix" }, h("code", {}, command)), copier(command));

function facts({ sessions, requests, checkouts, mechanics, sweeper }) {
  return h("div", { class: "facts" },
    group("Sessions", sessions && [
      ["waiting", sessions.waiting?.total], ["past their deadline", sessions.waiting?.stale],
      ["live", sessions.byStatus?.live], ["scheduled", sessions.byStatus?.scheduled],
      ["completed", sessions.byStatus?.completed], ["cancelled", sessions.byStatus?.cancelled],
    ]),
    group("Requests", requests && [
      ["pending", requests.pending?.total], ["past their deadline", requests.pending?.stale],
      ["accepted", requests.byStatus?.accepted], ["expired", requests.byStatus?.expired],
    ]),
    group("Payments", checkouts?.byOutcome && payments(checkouts)),
    group("Mechanics", mechanics && [
      ["busy", mechanics.busy],
      ["read the queue", last(mechanics.lastQueueRead, sweeper)],
    ]),
    group("Sweeper", sweeper && [
      ["timer", sweeper.enabled ? "on" : "off"],
      ["last success", last(sweeper.lastSuccess, sweeper)],
      ["lag", known(sweeper.lagSeconds) ? lag(sweeper.lagSeconds) : last(null, sweeper)],
    ]));
}

// Payments that still wait for something; one of this second is 0 s old.
const unsettled = (byOutcome) => ["deferred", "held", "refund_due", "refunding"].some((o) => byOutcome[o] > 0);

const payments = ({ byOutcome, oldestUnsettledSeconds: oldest }) => [
  ...Object.entries(byOutcome).filter(([, n]) => n > 0).map(([outcome, n]) => [outcome.replaceAll("_", " "), n]),
  ["oldest unsettled", oldest > 0 || unsettled(byOutcome) ? span(oldest) : "none"],
];

// Both signs of life are read at once; alive is null when they could not be.
const last = (iso, { alive }) => (iso ? ago(iso) : alive === null ? null : "never");

const ago = (iso) => moment(iso, `${span(since(iso))} ago`);

const lag = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : span(seconds));

function group(name, pairs) {
  const body = pairs?.some(([, value]) => known(value))
    ? h("dl", {}, pairs.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, known(value) ? value : "unknown"))))
    : quiet("could not be read");
  return h("section", {}, h("h3", {}, name), body);
}

const known = (value) => value !== null && value !== undefined;

// What waits for something or is credited; nothing is shown where nothing does.
function totals({ checkouts }) {
  const all = checkouts?.totals;
  if (!all?.length) return null;
  return h("div", { class: "totals" },
    h("h3", {}, "Money that waits"),
    table("Money that waits", ["Outcome", "Payments", "Amount"],
      all.map((t) => [t.outcome.replaceAll("_", " "), t.count.toLocaleString("en"), money(t.amount, t.currency)])));
}

function repeated({ customers }) {
  const all = customers?.blockedRepeatedly;
  if (!all?.length) return null;
  return h("div", { class: "repeated" },
    h("h3", {}, "Refused again and again"),
    h("ul", {}, all.map((c) => h("li", {}, customerLink(c.customerId), ` ${count(c.count, "time")}, last `, moment(c.lastAt)))));
}

/** customerLink leads to what a customer has open. */
export const customerLink = (customerId) =>
  h("a", { href: `/clear-my-sessions.html?customer=${encodeURIComponent(customerId)}` }, id(customerId));
