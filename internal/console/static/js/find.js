// Finding: the field at the top suggests what it may be, and remembers what was opened; and the keyboard.

import { call } from "./api.js";
import { byId, h } from "./dom.js";
import { recalled, remember } from "./memory.js";

const field = byId("find");
const list = byId("found");
const help = byId("keys-help");
const store = "curfew:opened";
const kept = 8;
const patience = 150; // ms after a key, before anything is asked
const shortest = 2;

let asked = 0; // numbers what was asked: only the last answer counts
let timer = 0;

const remembered = () => {
  const all = recalled(store);
  return Array.isArray(all) ? all.filter((e) => typeof e?.page === "string" && e.page.startsWith("/console/")) : [];
};

// Ids alone are remembered: a name or an address stays on the page that shows it.
function visited({ kind, id, page }) {
  const all = [{ kind, id, page }, ...remembered().filter((e) => e.page !== page)].slice(0, kept);
  remember(store, all);
}

/** about says in a line what a hit is. */
const about = ({ name, email, reference, plan, status, customerId, kind, id }) => [
  name, email, reference, plan, status, kind !== "customer" && customerId && customerId !== id ? customerId : "",
].filter(Boolean).join(" · ");

const option = (hit, n) => {
  const link = h("a", { href: hit.page, role: "option", id: `found-${n}`, tabindex: "-1", "aria-selected": "false" },
    h("span", { class: "kind" }, hit.kind), " ", h("bdi", { class: "id" }, hit.id), about(hit) ? h("bdi", { class: "quiet" }, about(hit)) : null);
  link.addEventListener("click", () => visited(hit));
  return link;
};

function show(hits, note) {
  const before = chosen()?.getAttribute("href"); // what is shown again stays chosen
  list.replaceChildren(...hits.map(option), ...(note ? [h("p", { class: "quiet", role: "presentation" }, note)] : []));
  open(hits.length > 0 || Boolean(note));
  mark(options().find((o) => o.getAttribute("href") === before));
}

function open(now) {
  list.hidden = !now;
  field.setAttribute("aria-expanded", String(now));
  if (!now) field.removeAttribute("aria-activedescendant");
}

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => list.querySelector("[aria-selected=true]");

function choose(step) {
  const all = options();
  if (!all.length) return;
  const at = all.indexOf(chosen());
  mark(all[(at + step + (at < 0 && step < 0 ? 1 : 0) + all.length) % all.length]);
}

function mark(next) {
  if (!next) return;
  options().forEach((o) => o.setAttribute("aria-selected", String(o === next)));
  field.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

async function look() {
  const text = field.value.trim();
  const mine = ++asked;
  if (text.length < shortest) {
    const recent = remembered();
    show(recent, recent.length ? "Opened lately" : "");
    return;
  }
  const found = await call("GET", `/api/search?text=${encodeURIComponent(text)}`).catch((problem) => ({ hits: [], failed: problem.message }));
  if (mine !== asked || document.activeElement !== field) return;
  show(found.hits, found.failed ?? (found.hits.length ? "" : "Nothing is called so. Press Enter to ask for exactly this.")
    + (found.partial ? " Parts of words were not looked for: it took too long." : ""));
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, patience);
});
field.addEventListener("focus", look);
field.addEventListener("blur", (event) => { if (!list.contains(event.relatedTarget)) open(false); });
list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, so the list stays
field.addEventListener("keydown", (event) => {
  const pick = chosen();
  if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter" && pick && !list.hidden) pick.click();
  else if (event.key === "Escape" && !list.hidden) open(false);
  else return;
  event.preventDefault();
});

// What is chosen is opened, rather than what is written asked for.
field.form.addEventListener("submit", (event) => { if (chosen() && !list.hidden) event.preventDefault(); });

const writing = (node) => node.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(node.nodeName);
let going = 0; // when g was pressed

document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  if ((ctrlKey || metaKey) && key.toLowerCase() === "k") return go(event);
  if (ctrlKey || metaKey || altKey || writing(target) || document.querySelector("dialog[open]")) return;
  if (key === "/") return go(event);
  if (key === "?") help.showModal();
  if (key !== "g" && Date.now() - going < 1_500) document.querySelector(`nav [data-key="${CSS.escape(key)}"]`)?.click();
  going = key === "g" ? Date.now() : 0;
});

function go(event) {
  event.preventDefault();
  field.focus();
  field.select();
}

// What other pages of the console need is there before a click asks for it.
for (const file of ["./charts.js", "../vendor/uplot-1.6.32.js", "../vendor/uplot-1.6.32.min.css", "./cleanup.js", "../img/tick.svg"]) {
  fetch(new URL(file, import.meta.url), { priority: "low" }).catch(() => {});
}
