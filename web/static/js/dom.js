// Nodes for what the API said. All text goes in as text: nothing here, and nothing that uses it, parses
// a string as HTML.

/** byId returns the element of an id that the page's template has. */
export const byId = (id) => document.getElementById(id);

/**
 * h makes an element. Of its properties, "on" holds listeners by event; true sets an attribute without
 * a value, false and undefined set none. Children are nodes, texts, or null for none.
 */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...present(children));
  return node;
}

/** show puts children in the place of what an element held, and ends its waiting. */
export function show(node, ...children) {
  node.replaceChildren(...present(children));
  node.removeAttribute("aria-busy");
}

const present = (children) => children.flat().filter((c) => c !== null && c !== undefined);

/** id is somebody's or something's id: opaque text of any script and direction. */
export const id = (text) => h("bdi", { class: "id" }, text);

/** quiet is a sentence beside the point. */
export const quiet = (text) => h("p", { class: "quiet" }, text);

/** table is a table that turns into cards where the screen is narrow. */
export function table(label, columns, rows) {
  const cells = (row) => row.map((cell, i) => h("td", { "data-label": columns[i] }, cell));
  return h("div", { class: "scroll", role: "region", "aria-label": `${label} (table)`, tabindex: "0" },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, cells(row))))));
}

/** working runs an action while its buttons cannot be pressed and the first of them says it works. */
export async function working(buttons, action) {
  const focused = document.activeElement !== document.body;
  buttons.forEach((b) => { b.disabled = true; });
  buttons[0].classList.add("working");
  try {
    return await action();
  } finally {
    buttons.forEach((b) => { b.disabled = false; });
    buttons[0].classList.remove("working");
    if (focused && document.activeElement === document.body) buttons[0].focus(); // a disabled button lost it
  }
}

/** copier is a button that copies a text, and says so. */
export function copier(text) {
  const button = h("button", { type: "button", class: "copy secondary" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = await copied(text, button) ? "Copied" : "Selected";
    button.classList.add("done");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

// Browsers give pages the clipboard over HTTPS and on the machine itself; elsewhere the text is selected.
async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    return false;
  }
}
