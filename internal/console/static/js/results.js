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
        : [action.done ?? "Done."];
  return h("div", { class: "notice good" }, h("p", {}, h("strong", {}, first)), rest);
}

const secret = (what, text) => [
  `This is the ${what}. It is shown now and never again:`,
  h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": "Secret" }, h("code", {}, text)),
    h("button", { type: "button", class: "copy secondary" }, "Copy")),
];

const cleaned = ({ message, stats, drifted, runId }) => [
  `${message}.`,
  h("p", {}, `It changed ${count(stats.totalCleaned, "row")}: ${sentence(stats)}.`),
  drifted?.length ? named(`${count(drifted.length, "session")} had changed since and ${drifted.length === 1 ? "was" : "were"} left alone:`, drifted) : null,
  h("p", { class: "quiet" }, "Run ", id(runId)),
];

const cleared = ({ ended, kept }) => [
  ended.length ? `${count(ended.length, "session")} ended.` : "There was nothing to end.",
  ended.length ? h("p", {}, "The list of payments shows what became of the money.") : null,
  kept.length ? named("These are kept:", kept) : null,
];

const undone = ({ revived, notRevived }) => [
  revived.length ? `${count(revived.length, "session")} came back.` : "Nothing could come back.",
  revived.length ? h("ul", {}, revived.map((r) => h("li", {}, id(r.sessionId), " is now ", id(r.newSessionId)))) : null,
  notRevived.length ? named("Not brought back:", notRevived) : null,
];

const named = (text, all) => h("div", {}, h("p", {}, text),
  h("ul", {}, all.map((one) => h("li", {}, id(one.sessionId), `: ${one.why}`))));

/** failure says why something did not happen, and what of it was committed. */
export function failure(problem) {
  const { stats, runId } = problem.rest ?? {};
  const known = problem.requestId && !problem.message.includes(problem.requestId);
  return h("div", { class: "notice critical", role: "alert" },
    h("p", {}, h("strong", {}, problem.message)),
    problem.status === 401 ? h("p", {}, "Sign in again: ", h("code", {}, "curfew login"), " prints a link.") : null,
    stats ? h("p", {}, `Before it failed, it cleaned up ${sentence(stats)}.`) : null,
    runId ? h("p", { class: "quiet" }, "Run ", id(runId)) : null,
    known ? h("p", { class: "quiet" }, "Request ", id(problem.requestId)) : null);
}
