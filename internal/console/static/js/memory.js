// What this browser remembers for its reader. It may hold nothing, or what another program wrote there.

/** recalled returns what is remembered under a name, or undefined. Its form is for the caller to check. */
export function recalled(name) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** remember remembers a value under a name, if the browser keeps anything. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch { /* it keeps nothing */ }
}
