// What a cleanup would change, and what one has changed.

import { byId, h, id, quiet, table } from "./dom.js";
import { count, list, moment, span } from "./format.js";
import { customerLink } from "./report.js";
import * as words from "./words.js";

const page = 50; // rows at a time

/** showFigures fills the cards. */
export function showFigures(wouldClean) {
  const cards = byId("figures");
  cards.removeAttribute("aria-busy");
  for (const cell of cards.querySelectorAll("[data-figure]")) {
    const n = wouldClean?.[cell.dataset.figure];
    cell.textContent = n === undefined ? "–" : n.toLocaleString("en");
    cell.parentElement.classList.toggle("some", n > 0);
  }
}

/** rows is the sessions of a preview, the first ones at once and the others when asked for. */
export function rows({ items, truncated }, filtered) {
  if (!items.length) {
    return [quiet(filtered ? "Nothing is due under these filters." : "Nothing is due: no session stands in anybody's way.")];
  }
  const place = h("div", {});
  const showFirst = (n) => place.replaceChildren(
    table("What would be cleaned up", ["Customer", "Rule", "Age", "Payment", "Session"], items.slice(0, n).map(row)),
    ...(n < items.length ? [more(n, items.length, showFirst)] : []),
    ...(truncated ? [quiet("More is due than one preview holds: run the cleanup again afterwards.")] : []));
  showFirst(page);
  return [place];
}

const more = (shown, all, showFirst) => h("button", {
  type: "button", class: "link", on: { click: () => showFirst(shown + 10 * page) },
}, `${shown} of ${all} shown. Show more`);

const row = (item) => [
  customerLink(item.customerId), capital(words.rules[item.rule]?.[0] ?? item.rule), span(item.ageSeconds), words.settlement(item.owed), id(item.sessionId),
];

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** sentence is figures in words: «2 old waiting sessions and 2 expired requests». */
export function sentence(stats) {
  const parts = counted(words.figures, (figure) => stats[figure]);
  return parts.length ? list(parts) : "nothing";
}

const counted = (names, figure) => Object.entries(names)
  .filter(([name]) => figure(name) > 0)
  .map(([name, [one, many]]) => count(figure(name), one, many));

/** question is what somebody confirms: counts, what it means, and for whom. */
export function question({ items, wouldClean }, reason) {
  const customers = new Set(items.map((i) => i.customerId)).size;
  const byRule = counted(words.rules, (rule) => items.filter((i) => i.rule === rule).length);
  return [
    h("p", {}, "This ends ", h("strong", {}, `${count(items.length, "session")} of ${count(customers, "customer")}`),
      `, ${count(wouldClean.total, "row")} with their requests:`),
    h("ul", {}, byRule.map((sessions) => h("li", {}, sessions))),
    h("p", {}, "These are exactly the rows that were shown; what has moved since is left alone. Ended sessions stay "
      + "ended, and the payments of cancelled ones are settled by the policy. Nothing is deleted."),
    reason ? h("p", {}, "Reason: ", h("q", {}, reason)) : null,
  ];
}

/** result is what a run did, and what it left because it had moved. */
export function result({ message, stats, drifted, runId }) {
  return h("div", { class: "notice good" },
    h("p", {}, h("strong", {}, message), `. It changed ${count(stats.totalCleaned, "row")}: ${sentence(stats)}.`),
    drifted?.length ? drift(drifted) : null,
    runId ? h("p", { class: "quiet" }, "Run ", id(runId)) : null);
}

const drift = (all) => h("div", {},
  h("p", {}, `${count(all.length, "session")} had moved since and ${all.length === 1 ? "was" : "were"} left alone:`),
  h("ul", {}, all.map((d) => h("li", {}, id(d.sessionId), `: ${d.why}`))));

/** failure is why something did not happen, and what of it was committed. */
export function failure(problem) {
  const { stats, runId } = problem.rest ?? {};
  const named = problem.requestId && !problem.message.includes(problem.requestId);
  return h("div", { class: "notice critical", role: "alert" },
    h("p", {}, h("strong", {}, problem.message)),
    problem.status === 401 ? h("p", {}, "Sign in again: ", h("code", {}, "curfew login"), " prints a link.") : null,
    stats ? h("p", {}, `Before it failed it cleaned ${sentence(stats)}.`) : null,
    runId ? h("p", { class: "quiet" }, "Run ", id(runId)) : null,
    named ? h("p", { class: "quiet" }, "Request ", id(problem.requestId)) : null);
}

/** runTable is the recent runs, newest first. */
export function runTable(all) {
  if (!all.length) return quiet("No cleanup has run yet. The sweeper leaves a run only when it cleaned something.");
  return table("Recent runs", ["Started", "By", "Reason", "Outcome", "Cleaned"], all.map((run) => [
    moment(run.startedAt), h("span", {}, h("bdi", {}, run.actor), h("small", {}, ` ${run.trigger}`)),
    run.reason || "–", h("span", { class: `outcome ${run.outcome}` }, run.outcome),
    h("span", {}, sentence(run.stats), run.error ? h("small", { class: "why" }, run.error) : null),
  ]));
}
