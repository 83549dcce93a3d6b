// Notifies a mechanic of new requests: in the tab title, with a sound, with a notification. Each can be switched off, and
// the browser remembers it.

import { byId, count } from "./dom.js";
import { recalled, remember } from "./memory.js";

const store = "curfew:alerts";
const chosen = { title: true, sound: false, notify: false };
const box = byId("alerts");
const said = byId("alerts-said");
const known = new Set();
let sound = null;
let first = true;

const kept = recalled(store);
for (const name of Object.keys(chosen)) if (typeof kept?.[name] === "boolean") chosen[name] = kept[name];

const plain = () => document.title.replace(/^\([\d,+]+\) /, "");

function title() {
  const waiting = byId("queue")?.dataset.waiting ?? "0";
  document.title = chosen.title && waiting !== "0" ? `(${waiting}) ${plain()}` : plain();
}

// Two short notes. A browser plays nothing before the first click on a page.
function ring() {
  sound ??= new AudioContext();
  if (sound.state === "suspended") sound.resume().catch(() => {});
  for (const [at, pitch] of [[0, 660], [0.18, 880]]) {
    const note = sound.createOscillator();
    const loud = sound.createGain();
    loud.gain.value = 0.1;
    note.frequency.value = pitch;
    note.connect(loud).connect(sound.destination);
    note.start(sound.currentTime + at);
    note.stop(sound.currentTime + at + 0.15);
  }
}

// It names nobody: others may see the screen.
function notify(fresh) {
  if (!document.hidden || window.Notification?.permission !== "granted") return;
  const note = new Notification("Curfew", { body: `${count(fresh, "new request")} in the queue`, tag: "curfew-queue" });
  note.onclick = () => { window.focus(); note.close(); };
}

function look() {
  const now = [...document.querySelectorAll(".offer")].map((offer) => offer.id);
  const fresh = now.filter((id) => !known.has(id));
  known.clear();
  for (const id of now) known.add(id);
  title();
  if (fresh.length && !first) {
    if (chosen.sound) ring();
    if (chosen.notify) notify(fresh.length);
  }
  first = false;
}

async function allowed() {
  if (!window.Notification) return "This browser shows no notifications, or only over HTTPS.";
  const answer = await Notification.requestPermission();
  return answer === "granted" ? "" : "The browser does not allow notifications from this page: allow them in its settings.";
}

box.addEventListener("change", async ({ target }) => {
  said.textContent = target.name === "notify" && target.checked ? await allowed() : "";
  if (said.textContent) target.checked = false;
  chosen[target.name] = target.checked;
  remember(store, chosen);
  title();
  if (target.name === "sound" && target.checked) ring();
});

for (const field of box.querySelectorAll("input")) field.checked = chosen[field.name];
box.hidden = false;
document.addEventListener("curfew:read", look);
look();
