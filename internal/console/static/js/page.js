// What every page does: it stays up to date, its buttons act, its calls and ids can be copied.

import { act } from "./act.js";
import { start } from "./live.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.call && !event.defaultPrevented) act(button);
  else if (button?.classList.contains("copy")) copy(button);
});

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  const text = button.dataset.text ?? code.textContent;
  const copied = await navigator.clipboard.writeText(text).then(() => true, () => false);
  if (!copied) getSelection().selectAllChildren(code ?? button.previousElementSibling); // browsers give pages the clipboard over HTTPS only
  button.textContent = copied ? "Copied" : "Selected";
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = "Copy";
    button.classList.remove("done");
  }, 2_000);
}

// A filter that is left empty is left out: an empty value would be refused.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.dataset.sparse === undefined) return;
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
});

start();
