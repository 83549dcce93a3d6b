// Keeps the page up to date: it is read again when the stream reports a change, and every few seconds if
// there is no stream, or a silent one. The page says which holds.

import { page } from "./api.js";
import { byId } from "./dom.js";
import { fill, morph } from "./morph.js";
import { soFar } from "./results.js";
import { follow } from "./stream.js";
import { setNow, updateTimes } from "./times.js";

const pollEvery = 5_000; // ms, without a stream
const netEvery = 15_000; // ms, beside a stream: what only time changes is seen then
const atMostEvery = 2_500; // ms

// The page as the server wrote it last, before any script touched it: the server sends what differs from it.
let known = { id: document.body.dataset.page, main: byId("main").cloneNode(true) };

let readAt = Date.now();
let reading = null;
let stream = ""; // its state: live, lost or silent
let timer = 0;

/** refresh reads the page again, from another address if one is given, and returns it. */
export function refresh(url = location.href) {
  clearTimeout(timer);
  readAt = Date.now();
  const base = known;
  reading = page(url, base.id).then((fresh) => apply(fresh, base)).then(() => said(true), () => said(false)).finally(later);
  return reading;
}

// Whose page it is; empty: of nobody.
const owner = (doc) => doc.querySelector(".who span")?.textContent ?? "";

function apply(fresh, base) {
  // Another tab has signed this browser out, or somebody else in.
  if (fresh.body.dataset.signedOut !== undefined || (owner(fresh) && owner(fresh) !== owner(document))) return leave();
  const main = fresh.getElementById("main");
  if (main.dataset.base !== undefined) fill(main, base.main);
  known = { id: fresh.body.dataset.page, main: main.cloneNode(true) };
  setNow(fresh.body.dataset.now);
  document.title = fresh.title;
  morph(byId("main"), main);
  updateTimes();
  document.dispatchEvent(new Event("curfew:read"));
}

let leaving = false;

// Loads the page anew. A dialog is left to its reader first: it may show a secret that is shown once.
function leave() {
  leaving = true;
  clearTimeout(timer);
  const open = document.querySelector("dialog[open]");
  if (!open) return location.reload();
  byId("connection").dataset.state = "lost";
  byId("connection").textContent = "Signed out";
  open.addEventListener("close", leave, { once: true });
}

function later() {
  if (leaving) return;
  clearTimeout(timer);
  timer = setTimeout(() => (document.hidden ? later() : refresh()), stream === "live" ? netEvery : pollEvery);
}

// After a change, read at once, but not again and again.
function soon() {
  if (leaving) return;
  clearTimeout(timer);
  const wait = readAt + atMostEvery - Date.now();
  if (wait > 0) timer = setTimeout(() => refresh(), wait);
  else refresh(); // without a timer, which a browser delays in a tab that nobody sees
}

function said(reached) {
  if (leaving) return;
  const [state, text] = !reached ? ["lost", "Cannot reach Curfew. What is shown is old."]
    : stream === "live" ? ["live", "Live"]
      : stream === "silent" ? ["lost", `Silent for 30 s. Looks every ${pollEvery / 1000} s.`]
        : ["polling", `Looks every ${pollEvery / 1000} s`];
  const node = byId("connection");
  node.dataset.state = state;
  if (node.textContent !== text) node.textContent = text;
}

// A session that ends because its payment failed leaves the page at once: its mechanic is told why.
function changed(change) {
  const said = byId("said");
  if (change.session?.endReason === "payment_failed" && said.dataset.refused) said.textContent = said.dataset.refused;
  soon();
}

// A job that the page shows moves on in place; one that begins or ends is read.
function moved(job) {
  const shown = document.querySelector(`[data-job="${job.jobId}"]`);
  if (job.state !== "running" || !shown) {
    if (shown || (job.state === "running" && byId("jobs-here"))) soon();
    return;
  }
  if (job.total !== null) Object.assign(shown.querySelector("progress"), { max: job.total, value: job.done });
  shown.querySelector(".so-far").textContent = soFar(job);
}

/** start keeps the page up to date from now on. */
export function start() {
  setNow(document.body.dataset.now);
  updateTimes();
  setInterval(updateTimes, 1_000);
  follow(document.body.dataset.now, { session: changed, changed: soon, job: moved, reset: soon }, (state) => {
    stream = state;
    said(true);
    if (state === "silent") refresh();
    else if (state !== "live") later();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) refresh(); }); // come back to by the Back button
  const tabs = new BroadcastChannel("curfew");
  tabs.addEventListener("message", () => setTimeout(refresh, atMostEvery)); // the server needs a moment to sign out
  document.addEventListener("submit", ({ target }) => { if (target.getAttribute("action") === "/logout") tabs.postMessage("signed out"); });
  said(true);
  later();
}
