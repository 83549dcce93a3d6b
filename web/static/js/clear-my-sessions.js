// What one customer has open, and clearing it.

import * as api from "./api.js";
import { failure } from "./cleanup.js";
import { byId, h, id, quiet, show, table, working } from "./dom.js";
import { count, moment, money, since, span, when } from "./format.js";
import { became, standing } from "./words.js";

const { customer, role } = document.body.dataset;
const form = byId("clearing");
const buttons = [byId("clear"), byId("again")];
const own = role === "customer";
const page = { status: null, checkouts: [], asked: null };

function state({ status }) {
  if (!status) return ["Curfew cannot tell what is open.", "critical"];
  const whose = own ? "You have" : "This customer has";
  if (status.blocked) return [`${whose} an open session, and no other can begin until it ends.`, "warning"];
  return [`${whose} nothing open that blocks: a new session can begin.`, "good"];
}

function showState() {
  const [sentence, tone] = state(page);
  byId("state").className = `state ${tone}`;
  byId("state").textContent = sentence;
}

function open({ blocked, session, releasesAt }) {
  if (!blocked) return quiet("Nothing is open.");
  return h("dl", { class: "story" },
    line("Session", id(session.id)),
    line("It is", standing(session)),
    line("Since", h("span", {}, moment(session.createdAt), ` (${span(since(session.createdAt))} ago)`)),
    line("Ends by itself", h("span", {}, moment(releasesAt), left(releasesAt))),
    line("The money", moneySaid(session)));
}

const line = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));

function left(iso) {
  const seconds = -since(iso);
  return seconds > 0 ? ` (in ${span(seconds)})` : " (any moment now)";
}

function moneySaid(session) {
  const paid = payment(session.id);
  const what = paid?.amount ? `${money(paid.amount, paid.currency)} paid for ${paid.plan}. ` : "";
  if (paid && !paid.amount) return "Nothing was paid for it.";
  if (session.status === "live") return `${what}A session that was live for a minute counts as used when it ends.`;
  return `${what}When it is cleared, the payment is settled at once: `
    + "as a credit for the next session of its plan, or as a refund. Payments says which.";
}

const payment = (sessionId) => page.checkouts.find((c) => c.sessionId === sessionId);

function payments(all) {
  if (!all.length) return quiet("There are no payments.");
  return table("Payments", ["When", "Plan", "Amount", "What became of it"], all.toReversed().map((c) => [
    moment(c.createdAt), c.plan, money(c.amount, c.currency), outcome(c),
  ]));
}

const outcome = (c) => h("span", {}, `It ${became(c)}`,
  c.outcome === "deferred" && c.retryUntil ? ` At the latest by ${when(c.retryUntil)}; then it is refunded.` : null);

async function refresh() {
  try {
    const [status, paid] = await Promise.all([api.sessionStatus(customer), api.checkouts(customer)]);
    Object.assign(page, { status, checkouts: paid.checkouts });
    show(byId("open"), open(status));
    show(byId("payments"), payments(page.checkouts));
    byId("clear").classList.toggle("secondary", !status.blocked);
    byId("open-time").textContent = `as of ${when(new Date())}`;
  } catch (problem) {
    page.status = null;
    show(byId("open"), failure(problem));
    show(byId("payments"), quiet("Not read."));
  }
  showState();
}

function asked() {
  const data = new FormData(form);
  const reason = (data.get("reason") ?? "").trim();
  return { ...(reason && { reason }), ...(data.get("force") && { force: true }) };
}

/** askToClear shows what would be ended and kept before anything is. */
async function askToClear() {
  page.asked = asked();
  try {
    const found = await api.clear(customer, { ...page.asked, dryRun: true });
    if (found.ended.length) return confirm(found);
    show(byId("result"), h("div", { class: "notice" }, h("p", {}, "There is nothing to clear."), kept(found.kept)));
  } catch (problem) {
    show(byId("result"), failure(problem));
  }
}

function confirm(found) {
  byId("confirm-title").textContent = `Clear ${count(found.ended.length, "session")}?`;
  show(byId("confirm-text"),
    h("p", {}, found.ended.length === 1 ? "This session ends now:" : "These sessions end now:"),
    sessions(found.ended),
    kept(found.kept),
    h("p", {}, `An ended session stays ended. Nothing is deleted. ${paid(found.ended)}`),
    page.asked.reason ? h("p", {}, "Reason: ", h("q", {}, page.asked.reason)) : null);
  byId("confirm").showModal();
}

const paid = (ended) => (ended.some((s) => s.status === "live")
  ? "A session that was live for a minute counts as used."
  : "What was paid is settled at once: credited, or refunded.");

const sessions = (all) => h("ul", {}, all.map((s) => h("li", {},
  id(s.id), `: ${s.plan}, ${standing(s)}, since ${when(s.createdAt)}`)));

const kept = (all) => (all.length
  ? h("div", {}, h("p", {}, "This is kept:"),
    h("ul", {}, all.map((k) => h("li", {}, id(k.sessionId), ` (${k.status}): ${k.why}`))))
  : null);

async function clear() {
  byId("confirm").close();
  try {
    const done = await api.clear(customer, page.asked);
    await refresh();
    show(byId("result"), result(done));
  } catch (problem) {
    await refresh();
    show(byId("result"), failure(problem));
  }
}

const result = ({ ended, kept: left }) => h("div", { class: "notice good" },
  h("p", {}, h("strong", {}, `${count(ended.length, "session")} ended.`)),
  h("ul", {}, ended.map((s) => h("li", {}, id(s.id), `: ${s.status}. `, settled(s)))),
  kept(left));

function settled(session) {
  const paid = payment(session.id);
  if (!paid?.amount) return "Nothing was paid for it.";
  return `The payment of ${money(paid.amount, paid.currency)} ${became(paid)}`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(byId("result"));
  working(buttons, askToClear);
});
byId("again").addEventListener("click", () => {
  show(byId("result"));
  working(buttons.toReversed(), refresh);
});
byId("confirm-no").addEventListener("click", () => byId("confirm").close());
byId("confirm").addEventListener("close", () => byId("clear").focus());
byId("confirm-yes").addEventListener("click", () => working(buttons, clear));

await working(buttons, refresh);
