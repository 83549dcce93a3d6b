// The admin's cleanup page: how things are, what a cleanup would change, and doing exactly that.

import * as api from "./api.js";
import * as cleanup from "./cleanup.js";
import { byId, h, show, working } from "./dom.js";
import { count, list, when } from "./format.js";
import { healthReport } from "./report.js";

const form = byId("filters");
const buttons = [byId("check"), byId("run")];
const page = {
  health: null, // the last report
  preview: null, // what is shown
  filters: "{}", // what it was asked with, as JSON
};

function filters() {
  const data = new FormData(form);
  const rules = data.getAll("rules");
  const asked = {};
  if (data.get("customerId").trim()) asked.customerId = data.get("customerId").trim();
  if (rules.length) asked.rules = rules;
  if (data.get("maxAgeMinutes")) asked.maxAgeMinutes = Number(data.get("maxAgeMinutes"));
  return asked;
}

const reason = () => new FormData(form).get("reason").trim();

/** state is one sentence about how things are. */
function state({ health, preview, filters: asked }) {
  if (!health || !preview) return ["Curfew cannot tell how things are.", "critical"];
  const due = preview.wouldClean.total;
  const filtered = asked === "{}" ? "" : " under these filters";
  const dueSaid = (due ? `a cleanup would change ${count(due, "row")} now` : "nothing needs cleaning up") + filtered;
  if (health.health === "error") return [`Curfew cannot tell how things are: some figures could not be read; ${dueSaid}.`, "critical"];
  if (health.findings?.length) {
    const critical = health.findings.some((f) => f.severity === "critical");
    const n = health.findings.length;
    return [`${count(n, "thing needs", "things need")} attention, and ${dueSaid}.`, critical ? "critical" : "warning"];
  }
  const { waiting, byStatus } = health.sessions;
  const open = list([count(waiting.total, "customer waits", "customers wait"), `${count(byStatus.live, "session is", "sessions are")} live`]);
  return [`All is well: ${open}, and ${dueSaid}.`, due ? "warning" : "good"];
}

function showState() {
  const [sentence, tone] = state(page);
  byId("state").className = `state ${tone}`;
  byId("state").textContent = sentence;
}

async function readHealth() {
  try {
    page.health = await api.health();
    show(byId("health"), ...healthReport(page.health));
    byId("health-time").textContent = `as of ${when(page.health.timestamp)}`;
  } catch (problem) {
    page.health = null;
    show(byId("health"), cleanup.failure(problem));
  }
}

function showPreview(preview, asked) {
  page.preview = preview;
  page.filters = JSON.stringify(asked);
  cleanup.showFigures(preview.wouldClean);
  const filtered = Object.keys(asked).length > 0;
  show(byId("rows"), ...cleanup.rows(preview, filtered));
  byId("preview-time").textContent = `as of ${when(new Date())}`;
  byId("filters-said").textContent = filtered ? said(asked) : "";
  byId("preview-said").textContent = preview.previewId && preview.wouldClean.total
    ? "This list is stored: Run Cleanup changes exactly these rows." : "";
}

const said = ({ customerId, rules, maxAgeMinutes }) => `· ${[
  customerId && `customer ${customerId}`, maxAgeMinutes && `older than ${maxAgeMinutes} min`,
  rules && count(rules.length, "rule"),
].filter(Boolean).join(", ")}`;

/** preview asks for what would be cleaned and shows it; null where that failed. */
async function preview(ask) {
  const asked = filters();
  try {
    showPreview(await ask(asked), asked);
    return page.preview;
  } catch (problem) {
    page.preview = null;
    cleanup.showFigures(null);
    show(byId("rows"), cleanup.failure(problem));
    byId("preview-time").textContent = byId("preview-said").textContent = "";
    return null;
  }
}

async function readRuns() {
  try {
    const { runs } = await api.runs();
    show(byId("runs"), cleanup.runTable(runs.slice(0, 10)));
  } catch (problem) {
    show(byId("runs"), cleanup.failure(problem));
  }
}

async function refresh(ask) {
  await Promise.all([readHealth(), preview(ask), readRuns()]);
  showState();
}

/** stored is the preview that is shown if it can be executed, else a new one. */
async function stored() {
  const current = page.preview?.previewId && page.filters === JSON.stringify(filters());
  return current ? page.preview : preview(api.storePreview);
}

async function askToRun() {
  const found = await stored();
  showState();
  if (!found) return;
  if (!found.wouldClean.total) {
    show(byId("result"), h("p", { class: "notice" }, "There is nothing to clean up, so nothing was run."));
    return;
  }
  show(byId("confirm-text"), ...cleanup.question(found, reason()));
  byId("confirm").showModal();
}

/** complete reports whether the filters may be run; an age needs a reason, which a look does not. */
function complete() {
  const { maxAgeMinutes, reason: why } = form.elements;
  why.required = maxAgeMinutes.value !== "";
  const may = form.reportValidity();
  why.required = false;
  return may;
}

async function run() {
  byId("confirm").close();
  try {
    show(byId("result"), cleanup.result(await api.execute(page.preview.previewId, reason())));
  } catch (problem) {
    show(byId("result"), cleanup.failure(problem));
  }
  await refresh(api.wouldClean);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(byId("result"));
  working(buttons, () => refresh(api.storePreview));
});
form.addEventListener("reset", () => setTimeout(() => working(buttons, () => refresh(api.wouldClean))));
byId("run").addEventListener("click", () => {
  if (!complete()) return;
  show(byId("result"));
  working(buttons.toReversed(), askToRun);
});
// A field that is wrong must be seen for the browser to say what is wrong with it.
form.addEventListener("invalid", () => { form.querySelector("details").open = true; }, true);
byId("confirm-no").addEventListener("click", () => byId("confirm").close());
byId("confirm").addEventListener("close", () => byId("run").focus());
byId("confirm-yes").addEventListener("click", () => working(buttons.toReversed(), run));

await working(buttons, () => refresh(api.wouldClean));
