// The cleanup: Check Stats stores what would end and shows it; Run Cleanup executes exactly that.

import { act, afterwards, working } from "./act.js";
import { call } from "./api.js";
import { byId, count, h } from "./dom.js";
import { refresh } from "./live.js";
import { failure } from "./results.js";

// The form is looked up each time: it goes and comes back where the page could not be read for a while.
const form = () => byId("filters");
const run = () => document.querySelector("button.run");
const say = (...nodes) => byId("preview-said")?.replaceChildren(...nodes);

function asked() {
  const data = new FormData(form());
  const rules = data.getAll("rules");
  const customerId = data.get("customerId").trim();
  const minutes = data.get("maxAgeMinutes");
  return {
    ...(customerId && { customerId }),
    ...(rules.length && { rules }),
    ...(minutes && { maxAgeMinutes: Number(minutes) }),
  };
}

const address = (more) => {
  const q = new URLSearchParams(new FormData(form()));
  for (const [name, value] of [...q]) if (!value) q.delete(name, value);
  for (const [name, value] of Object.entries(more)) q.set(name, value);
  return `${location.pathname}${q.size ? `?${q}` : ""}`;
};

/** check stores a preview; its address is the page's from then on. */
async function check() {
  try {
    const { previewId, items } = await call("POST", "/api/debug/cleanup-sessions", { dryRun: true, ...asked() });
    const planned = new Set(items.map((item) => item.sessionId));
    for (const one of left) if (!planned.has(one)) left.delete(one);
    total = items.length;
    history.replaceState(null, "", address({ preview: previewId }));
    await refresh();
    return true;
  } catch (problem) {
    say(failure(problem));
    return false;
  }
}

// The sessions that somebody does not want to end. The page is read again and again, and keeps them.
const left = new Set();
let total = 0; // rows of the stored preview, shown or not

function tick() {
  const boxes = [...document.querySelectorAll("input.pick")];
  for (const box of boxes) box.checked = !left.has(box.value);
  const all = byId("pick-all");
  if (!all) return;
  const on = boxes.filter((box) => box.checked).length;
  all.checked = on > 0;
  all.indeterminate = on > 0 && on < boxes.length;
}

document.addEventListener("change", ({ target }) => {
  const boxes = target.id === "pick-all" ? [...document.querySelectorAll("input.pick")] : target.matches("input.pick") ? [target] : [];
  for (const box of boxes) left[target.checked ? "delete" : "add"](box.value);
  tick();
});
document.addEventListener("curfew:read", tick);

// Asks about exactly the rows that are ticked.
function askRun() {
  const button = run();
  if (left.size >= total && total > 0) {
    say(h("span", {}, "No row is ticked, so nothing was run."));
    return;
  }
  const { previewId } = JSON.parse(button.dataset.body);
  button.dataset.body = JSON.stringify(left.size ? { previewId, except: [...left] } : { previewId });
  act(button);
  if (left.size) byId("ask-why").prepend(h("p", { class: "picked" }, h("strong", {}, `${count(left.size, "session")} of ${total.toLocaleString("en")} left out: ${count(total - left.size, "session")} ${total - left.size === 1 ? "ends" : "end"}.`)));
}

// The filters as they were when the shown preview was stored.
let stored = location.search.includes("preview=") ? JSON.stringify(asked()) : "";

async function checked() {
  const ok = await check();
  stored = ok ? JSON.stringify(asked()) : "";
  return ok;
}

document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  working([byId("check"), run()], checked);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.run");
  if (!button || button.disabled) return;
  event.preventDefault();
  const fresh = stored === JSON.stringify(asked());
  if (!fresh && !await working([button, byId("check")], checked)) return;
  if (run().dataset.ask) askRun();
  else say(h("span", {}, "There is nothing to clean up, so nothing was run."));
}, true); // before the page's own look at buttons

// Once it was run the preview is history: the page shows what is due now.
afterwards(async () => {
  history.replaceState(null, "", address({}));
  stored = "";
  left.clear();
  await refresh();
});

// A field that is wrong must be seen for the browser to say what is wrong with it.
document.addEventListener("invalid", (event) => {
  const folded = event.target.closest("details");
  if (folded) folded.open = true;
}, true);
