// Times: in the reader's own time, with UTC as their title, and counting. The server's clock counts, not this machine's.

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

let ahead = 0; // ms that the server's clock is ahead of ours

/** setNow sets the server's time. */
export function setNow(iso) {
  if (iso) ahead = new Date(iso) - Date.now();
}

const now = () => Date.now() + ahead;

/** span returns a number of seconds as 40 s, 12 min, 3 h 5 min or 6 d 2 h. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const [m, hours, days] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86400)];
  if (s < 120) return `${s} s`;
  if (m < 120) return `${m} min`;
  if (hours < 48) return pair(`${hours} h`, m % 60, "min");
  return pair(`${days} d`, hours % 24, "h");
}

const pair = (big, small, unit) => (small ? `${big} ${small} ${unit}` : big);

// A countdown of under an hour shows its seconds.
function countdown(seconds) {
  if (seconds <= 0) return "any moment now";
  if (seconds >= 3600) return span(seconds);
  const s = Math.ceil(seconds);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min`;
}

const written = {
  ago: (t) => `${span((now() - t) / 1000)} ago`,
  left: (t) => countdown((t - now()) / 1000),
  clock: (t) => (day.format(t) === day.format(now()) ? clock.format(t) : `${day.format(t)}, ${clock.format(t)}`),
};

/** updateTimes writes every time on the page anew. */
export function updateTimes() {
  for (const node of document.querySelectorAll("time[data-as]")) {
    const t = new Date(node.dateTime);
    const text = written[node.dataset.as](t);
    if (node.textContent !== text) node.textContent = text;
    if (node.dataset.as === "left") node.classList.toggle("soon", t - now() < 120_000);
  }
}
