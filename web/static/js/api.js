// What the pages ask the HTTP API.

const patience = 30_000; // ms; the server gives up long before

/** Problem is an answer that is none: its detail is a sentence for whoever reads the page. */
export class Problem extends Error {
  constructor({ status, code, title, detail, requestId, ...rest }) {
    super(detail || title || `Curfew answered ${status}.`);
    Object.assign(this, { status, code, requestId, rest });
  }
}

async function call(method, path, body) {
  const response = await asked(method, path, body);
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Problem({ ...answer, status: response.status });
}

async function asked(method, path, body) {
  try {
    return await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
  } catch (cause) {
    const detail = cause.name === "TimeoutError"
      ? "Curfew did not answer in time. What was asked may still have happened: look again."
      : "Curfew cannot be reached. Is it running?";
    throw new Problem({ status: 0, code: "unreachable", detail });
  }
}

const query = (filters) => {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) q.set(name, Array.isArray(value) ? value.join(",") : value);
  return q.size ? `?${q}` : "";
};

const customer = (id) => `/api/customers/${encodeURIComponent(id)}`;

/** health is the report also where it says that it cannot tell. */
export async function health() {
  try {
    return await call("GET", "/api/debug/session-health");
  } catch (problem) {
    if (problem.rest?.health) return problem.rest;
    throw problem;
  }
}

/** wouldClean is what a cleanup would change; nothing is stored. */
export const wouldClean = (filters) => call("GET", `/api/debug/cleanup-sessions${query(filters)}`);

/** storePreview is wouldClean, kept so that exactly it can be executed. */
export const storePreview = (filters) => call("POST", "/api/debug/cleanup-sessions", { dryRun: true, ...filters });

/** execute ends what a stored preview holds, where it has not moved since. */
export const execute = (previewId, reason) =>
  call("POST", "/api/debug/cleanup-sessions", reason ? { previewId, reason } : { previewId });

/** runs is the newest runs, behind the cursor. */
export const runs = (cursor) => call("GET", `/api/debug/cleanup-runs${query(cursor ? { cursor } : {})}`);

/** sessionStatus is what truly blocks a customer. */
export const sessionStatus = (id) => call("GET", `${customer(id)}/session-status`);

/** checkouts is a customer's payments. */
export const checkouts = (id) => call("GET", `${customer(id)}/checkouts`);

/** clear ends what a customer has open; as a dry run it only says what it would end. */
export const clear = (id, asked) => call("POST", `${customer(id)}/clear`, asked);
