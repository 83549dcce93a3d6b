// Figures, times and money for people.

/** count is «1 session», «3 sessions». */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** list is «a, b and c». */
export const list = (parts) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(parts);

/** span is a duration of so many seconds: «40 s», «12 min», «3 h 5 min», «6 d 2 h». */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const [m, hours, days] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86400)];
  if (s < 120) return `${s} s`;
  if (m < 120) return `${m} min`;
  if (hours < 48) return pair(`${hours} h`, m % 60, "min");
  return pair(`${days} d`, hours % 24, "h");
}

const pair = (big, small, unit) => (small ? `${big} ${small} ${unit}` : big);

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** when is a moment in the reader's own time: the clock today, else with its day. */
export function when(iso) {
  const t = new Date(iso);
  return day.format(t) === day.format(new Date()) ? clock.format(t) : `${day.format(t)}, ${clock.format(t)}`;
}

/** moment is a <time> that tells the rest when it is pointed at. */
export function moment(iso, text = when(iso)) {
  const node = document.createElement("time");
  node.dateTime = iso;
  node.title = exact.format(new Date(iso));
  node.textContent = text;
  return node;
}

/** since is how many seconds ago a moment was, by this machine's clock. */
export const since = (iso) => (Date.now() - new Date(iso)) / 1000;

/** money is an amount in the currency's minor unit; the bare figure where the currency is not known. */
export function money(amount, currency) {
  if (!amount) return "free";
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency });
    return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return currency ? `${amount} ${currency}` : String(amount);
  }
}
