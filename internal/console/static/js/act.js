// Buttons that call the API: the question before, the work, and its result.

import { work } from "./api.js";
import { byId } from "./dom.js";
import { refresh } from "./live.js";
import { failure, progressOf, summary } from "./results.js";

const dialog = byId("ask");
const form = dialog.querySelector("form");
const yes = byId("ask-yes");
const no = byId("ask-no");
const why = byId("ask-why");

let asking = null; // the action that is asked about

const actionOf = (button) => ({
  ...button.dataset,
  label: button.textContent.trim().replace(/…$/, ""),
  harm: button.classList.contains("harm"),
  button,
});

/** act does what a button says, at once or after a confirmation. */
export function act(button) {
  const action = actionOf(button);
  return action.ask ? ask(action) : atOnce(action);
}

function ask(action) {
  asking = action;
  no.disabled = yes.disabled = false;
  yes.classList.remove("working");
  byId("ask-title").textContent = action.ask;
  why.replaceChildren(action.button.querySelector("template")?.content.cloneNode(true) ?? "");
  byId("ask-said").replaceChildren();
  yes.hidden = false;
  yes.textContent = action.label;
  yes.classList.toggle("harm", action.harm);
  no.textContent = "Not now";
  dialog.showModal();
  (why.querySelector("input") ?? no).focus();
}

// An action with a question runs in the dialog, and its result is shown there. A job goes on when the dialog is
// closed: the page shows how far it has come.
async function confirmed() {
  const action = asking;
  const mine = () => asking === action;
  const say = (node) => { if (mine()) byId("ask-said").replaceChildren(node); };
  await working([yes, no], async () => {
    let result;
    try {
      result = summary(await perform(action, filledIn(), (job) => goesOn(job, mine, say)), action);
    } catch (problem) {
      result = failure(problem);
    }
    if (!mine()) { // its dialog was closed: another one may be open
      byId("said").textContent = `${action.label}: ${(result.querySelector("strong") ?? result).textContent}`;
      return after();
    }
    say(result);
    why.replaceChildren();
    yes.hidden = true;
    await after();
  }, mine);
  if (!mine()) return;
  no.textContent = "Close";
  no.focus();
}

// Shows a job in the dialog, which may be closed from now on.
function goesOn(job, mine, say) {
  if (!mine()) return;
  asking.goesOn = true;
  no.disabled = false;
  no.textContent = "Close: it goes on";
  say(progressOf(job));
}

// An action without a question runs on the page; only a failure opens the dialog.
async function atOnce(action) {
  await working([action.button], async () => {
    try {
      const answer = await perform(action, {});
      byId("said").textContent = answer.approval ? answer.detail : action.done ?? "Done.";
    } catch (problem) {
      if (dialog.open) { // of another action
        byId("said").textContent = `${action.label}: ${problem.message}`;
        return;
      }
      ask({ ...action, ask: "That did not work" });
      byId("ask-said").replaceChildren(failure(problem));
      yes.hidden = true;
      no.textContent = "Close";
    }
    await refresh();
  });
}

// The values of the dialog's fields, without the empty ones.
const filledIn = () => Object.fromEntries([...why.querySelectorAll("input")]
  .filter((field) => field.value.trim())
  .map((field) => [field.name, valueOf(field)])
  .filter(([, value]) => value.length !== 0));

const valueOf = ({ value, dataset }) => dataset.many !== undefined ? parts(value)
  : dataset.number !== undefined ? Number(value) : value.trim();

const parts = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);

function perform({ call: line, body }, fields, onProgress) {
  const [method, path] = line.split(" ");
  const given = { ...body && JSON.parse(body), ...fields };
  return work(method, path, body || Object.keys(given).length ? given : null, onProgress);
}

let after = () => refresh();

/** afterwards replaces what happens after an action: by default the page is read again. */
export function afterwards(next) { after = next; }

/**
 * working runs something with its buttons disabled, while the first of them shows that it works. They are left as they are
 * at the end if they are not its own any more.
 */
export async function working(buttons, run, own = () => true) {
  buttons.forEach((b) => { b.disabled = true; });
  buttons[0].classList.add("working");
  try {
    return await run();
  } finally {
    if (own()) {
      buttons.forEach((b) => { b.disabled = false; });
      buttons[0].classList.remove("working");
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  confirmed();
});
no.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  const again = document.getElementById(asking?.button.id) ?? asking?.button;
  if (again?.isConnected) again.focus();
  else byId("main").focus();
  if (asking?.goesOn) after();
  asking = null;
});
