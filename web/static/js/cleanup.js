// The cleanup: Check Stats stores what would end and shows it; Run Cleanup executes exactly that.

import { act, afterwards, working } from "./act.js";
import { call } from "./api.js";
import { byId, h } from "./dom.js";
import { refresh } from "./live.js";
import { failure } from "./results.js";

const form = byId("filters");
const run = () => form.querySelector("button.run");

function asked() {
  const data = new FormData(form);
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
  const q = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...q]) if (!value) q.delete(name, value);
  for (const [name, value] of Object.entries(more)) q.set(name, value);
  return `${location.pathname}${q.size ? `?${q}` : ""}`;
};

/** check stores a preview; its address is the page's from then on. */
async function check() {
  try {
    const { previewId } = await call("POST", "/api/debug/cleanup-sessions", { dryRun: true, ...asked() });
    history.replaceState(null, "", address({ preview: previewId }));
    await refresh();
    return true;
  } catch (problem) {
    byId("preview-said").replaceChildren(failure(problem));
    return false;
  }
}

// The filters as they were when the shown preview was stored.
let stored = location.search.includes("preview=") ? JSON.stringify(asked()) : "";

async function checked() {
  const ok = await check();
  stored = ok ? JSON.stringify(asked()) : "";
  return ok;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  working([byId("check"), run()], checked);
});

form.addEventListener("click", async (event) => {
  const button = event.target.closest("button.run");
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  const fresh = stored === JSON.stringify(asked());
  if (!fresh && !await working([button, byId("check")], checked)) return;
  if (run().dataset.ask) act(run());
  else byId("preview-said").replaceChildren(h("span", {}, "There is nothing to clean up, so nothing was run."));
});

// Once it was run the preview is history: the page shows what is due now.
afterwards(async () => {
  const { value } = new URL(location.href).searchParams.has("preview") ? { value: address({}) } : { value: location.href };
  history.replaceState(null, "", value);
  stored = "";
  await refresh();
});

// A field that is wrong must be seen for the browser to say what is wrong with it.
form.addEventListener("invalid", () => { form.querySelector("details").open = true; }, true);
