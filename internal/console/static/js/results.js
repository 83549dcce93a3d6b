// The result of an action, in words.

import { count, h, id } from "./dom.js";

const figures = {
  oldWaitingSessions: ["old waiting session"],
  expiredRequests: ["expired request"],
  orphanedSessions: ["orphan"],
  unattended: ["row of unattended sessions", "rows of unattended sessions"],
  noShows: ["row of no-shows", "rows of no-shows"],
  overran: ["row of overrun sessions", "rows of overrun sessions"],
  scheduledMissed: ["row of missed appointments", "rows of missed appointments"],
};

const list = (parts) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(parts);

function sentence(stats) {
  const parts = Object.entries(figures).filter(([name]) => stats[name] > 0).map(([name, words]) => count(stats[name], ...words));
  return parts.length ? list(parts) : "nothing";
}

/** summary says what happened, going by the answer. */
export function summary(answer, action) {
  const [first, ...rest] = answer.stats ? cleaned(answer)
    : answer.ended ? cleared(answer)
      : answer.approval ? [answer.detail]
      : answer.secret ? secret("secret", answer.secret)
      : answer.key ? secret("key", answer.key)
      : answer.revived ? undone(answer)
      : answer.differences ? compared(answer)
        : [action.done ?? "Done."];
  return h("div", { class: "notice good" }, h("p", {}, h("strong", {}, first)), rest);
}

const secret = (what, text) => [
  `This is the ${what}. It is shown now and never again:`,
  h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": "Secret" }, h("code", {}, text)),
    h("button", { type: "button", class: "copy secondary" }, "Copy")),
];

const cleaned = ({ message, stats, drifted, runId, jobId }) => [
  `${message}.`,
  h("p", {}, `It changed ${count(stats.totalCleaned, "row")}: ${sentence(stats)}.`),
  drifted?.length ? named(`${count(drifted.length, "session")} had changed since and ${drifted.length === 1 ? "was" : "were"} left alone:`, drifted) : null,
  more(runId, jobId),
];

const cleared = ({ ended, kept }) => [
  ended.length ? `${count(ended.length, "session")} ended.` : "There was nothing to end.",
  ended.length ? h("p", {}, "The list of payments shows what became of the money.") : null,
  kept.length ? named("These are kept:", kept) : null,
];

const undone = ({ revived, notRevived, runId, jobId }) => [
  revived.length ? `${count(revived.length, "session")} came back.` : "Nothing could come back.",
  revived.length ? h("p", {}, "They wait for a mechanic again: ", who(revived), ".") : null,
  notRevived.length ? named("Not brought back:", notRevived) : null,
  more(runId, jobId),
];

const compared = ({ paid, missed, differences, unreadable, jobId }) => [
  differences.length ? `The books differ on ${count(differences.length, "payment")}.` : "The books agree.",
  h("p", {}, `${count(paid, "payment")} compared${missed ? `, and ${count(missed, "message")} taken in that had not arrived` : ""}.`),
  differences.length ? h("ul", {}, differences.slice(0, namedAtMost).map((d) => h("li", {},
    to(d.checkoutId, d.ref || d.checkoutId), `: ${d.detail}. `, d.done ? `${d.done}. ` : null, d.todo ? `To do: ${d.todo}.` : null))) : null,
  unreadable?.length ? h("p", {}, `Cannot tell: ${list(unreadable)}`) : null,
  jobId ? more(null, jobId) : null,
];

const namedAtMost = 20;

const to = (query, text = query) => h("a", { class: "id", href: `/console/customer?q=${encodeURIComponent(query)}` }, h("bdi", {}, text));

// The customers of some sessions, as links.
const who = (all) => {
  const customers = [...new Set(all.map((one) => one.customerId ?? one.sessionId))];
  const links = customers.slice(0, namedAtMost).flatMap((customer, i) => [i ? ", " : "", to(customer)]);
  return h("span", {}, links, customers.length > namedAtMost ? ` and ${(customers.length - namedAtMost).toLocaleString("en")} more` : "");
};

const more = (runId, jobId) => h("p", { class: "quiet" },
  jobId ? h("a", { href: `/console/job?id=${jobId}` }, "What became of each customer") : null, jobId && runId ? " · " : null,
  runId ? ["Run ", to(runId)] : null);

const named = (text, all) => h("div", {}, h("p", {}, text),
  h("ul", {}, all.slice(0, namedAtMost).map((one) => h("li", {}, to(one.customerId ?? one.sessionId), `: ${one.why}`))),
  all.length > namedAtMost ? h("p", { class: "quiet" }, `and ${(all.length - namedAtMost).toLocaleString("en")} more`) : null);

/** progressOf shows how far a job has come. */
export const progressOf = ({ phase, done, total }) => h("div", { class: "job" },
  h("progress", total === null ? { "aria-label": "Progress" } : { max: total, value: done, "aria-label": "Progress" }),
  h("p", { class: "quiet" }, soFar({ phase, done, total })));

/** soFar says how far a job has come. */
export const soFar = ({ phase, done, total }) => {
  const said = (phase || "at work").replace(/^./, (first) => first.toUpperCase());
  return `${said}: ${done}${total === null ? "" : ` of ${total}`}`;
};

/** failure says why something did not happen, and what of it was committed. */
export function failure(problem) {
  const { stats, runId, jobId } = problem.rest ?? {};
  const known = problem.requestId && !problem.message.includes(problem.requestId);
  return h("div", { class: "notice critical", role: "alert" },
    h("p", {}, h("strong", {}, problem.message)),
    problem.status === 401 ? h("p", {}, "Sign in again: ", h("code", {}, "curfew login"), " prints a link.") : null,
    stats ? h("p", {}, `Before it failed, it cleaned up ${sentence(stats)}.`) : null,
    runId || jobId ? more(runId, jobId) : null,
    known ? h("p", { class: "quiet" }, "Request ", id(problem.requestId)) : null);
}
