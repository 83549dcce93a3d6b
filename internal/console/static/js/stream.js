// Follows changes as they happen: GET /api/stream, brief: of most it says that something changed, not what.

const slowest = 30_000; // ms between two tries
const silence = 30_000; // ms without a sign of life: two heartbeats

/**
 * follow calls on[name](data) for each event since a time of the server, and onState("live" | "lost" | "silent") when
 * that changes. A silent stream is open, but nothing comes: its server hangs, or something on the way does. Push is a
 * hint: on.reset() is called whenever something may have been missed, also after each new start; read the lists again
 * then. It returns a function that ends it.
 */
export function follow(since, on, onState = () => {}) {
  let source, timer, state, heard, tries = 0, ended = false;
  const report = (now) => {
    if (state !== now) onState((state = now));
  };
  const start = () => {
    source = new EventSource(`/api/stream?brief=true${since ? `&lastEventId=${encodeURIComponent(since)}` : ""}`);
    heard = Date.now();
    let fresh = !since; // another EventSource resumes nothing
    since = null;
    source.addEventListener("hello", (e) => {
      heard = Date.now();
      tries = 0;
      report("live");
      on.hello?.(JSON.parse(e.data));
      if (fresh) on.reset?.();
      fresh = false;
    });
    source.addEventListener("heartbeat", () => { heard = Date.now(); });
    for (const name of ["session", "changed", "job", "reset", "bye"]) {
      source.addEventListener(name, (e) => {
        heard = Date.now();
        on[name]?.(JSON.parse(e.data));
      });
    }
    // The browser tries again by itself unless the answer was a refusal.
    source.onerror = () => {
      report("lost");
      if (source.readyState !== EventSource.CLOSED || ended) return;
      timer = setTimeout(start, (0.5 + Math.random()) * Math.min(slowest, 1000 * 2 ** tries++));
    };
  };
  // An open connection says nothing of a server that hangs, and no browser gives it up.
  const watch = setInterval(() => {
    if (Date.now() - heard < silence || source.readyState === EventSource.CLOSED) return;
    if (state !== "lost") report("silent");
    source.close();
    start();
  }, 1_000);
  start();
  return () => {
    ended = true;
    clearTimeout(timer);
    clearInterval(watch);
    source.close();
  };
}
