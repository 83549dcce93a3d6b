// Makes a part of the page like the same part of a newer one, and touches only what differs: what has
// the focus, is open, scrolled or typed into stays so.

/** morph makes one element like another. What has data-keep is a script's and is left alone. */
export function morph(old, fresh) {
  if (alike(old, fresh) || old.dataset?.keep !== undefined) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.adoptNode(fresh));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  attributes(old, fresh);
  if (old.nodeName === "TEMPLATE") old.content.replaceChildren(document.adoptNode(fresh.content));
  else children(old, fresh);
}

// isEqualNode does not look into templates, which hold what a button asks.
function alike(one, other) {
  if (!one.isEqualNode(other)) return false;
  const others = contents(other);
  return contents(one).every((content, i) => content.isEqualNode(others[i]));
}

const contents = (node) => [...node.nodeName === "TEMPLATE" ? [node] : node.querySelectorAll?.("template") ?? []].map((t) => t.content);

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && name !== "disabled" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

// Children with an id are found again wherever they stand; others are taken in order.
function children(old, fresh) {
  const known = new Map([...old.children].filter((c) => c.id).map((c) => [c.id, c]));
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const same = wanted.id ? known.get(wanted.id) : at && !at.id && at.nodeName === wanted.nodeName ? at : null;
    if (!same) {
      old.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    morph(same, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** fill puts into an element what it leaves out because it is as in an older one: see delta.go. */
export function fill(fresh, old) {
  const olds = [...old.childNodes];
  delete fresh.dataset.base;
  for (const part of [...fresh.children]) {
    const { same, n, base } = part.dataset;
    if (same !== undefined) part.replaceWith(...olds.slice(Number(same), Number(same) + Number(n)).map((node) => node.cloneNode(true)));
    else if (base !== undefined) fill(part, olds[Number(base)]);
  }
}
