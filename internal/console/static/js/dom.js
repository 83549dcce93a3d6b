// Nodes for what the API said. All text goes in as text: nothing here, and nothing that uses it, parses
// a string as HTML.

/** byId returns the element of an id that the page's template has. */
export const byId = (id) => document.getElementById(id);

/** h makes an element with attributes. Children are nodes, texts, or null for none. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return node;
}

/** id is somebody's or something's id: opaque text of any script and direction. */
export const id = (text) => h("bdi", { class: "id" }, text);

/** count returns 1 session, or 3 sessions. */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
