// What every page does: it stays up to date, its buttons act, its calls can be copied.

import { act } from "./act.js";
import { start } from "./live.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.call && !event.defaultPrevented) act(button);
  else if (button?.classList.contains("copy")) copy(button);
});

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  const copied = await navigator.clipboard.writeText(code.textContent).then(() => true, () => false);
  if (!copied) getSelection().selectAllChildren(code); // browsers give pages the clipboard over HTTPS only
  button.textContent = copied ? "Copied" : "Selected";
  button.classList.add("done");
  setTimeout(() => { button.textContent = "Copy"; }, 2_000);
}

start();
