// Calls to Curfew: its HTTP API, and its own pages to read again.

const patience = 75_000; // ms; a cleanup may take a minute

/** Problem is the error of a call: its message is a sentence for the reader of the page. */
export class Problem extends Error {
  constructor({ status, code, title, detail, requestId, ...rest }) {
    super(detail || title || `Curfew answered ${status}.`);
    Object.assign(this, { status, code, requestId, rest });
  }
}

const unreachable = () => new Problem({ status: 0, code: "unreachable", detail: "Curfew cannot be reached. Is it running?" });

/** call asks the API and returns its answer. */
export async function call(method, path, body) {
  const response = await asked(method, path, body);
  const answer = response.status === 204 ? {} : await response.json().catch(() => null);
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
    if (cause.name !== "TimeoutError") throw unreachable();
    throw new Problem({ status: 0, code: "timeout", detail: "Curfew did not answer in time. What was asked may still have happened: look again." });
  }
}

/** page reads one of Curfew's pages. The browser makes the document; nothing in it runs. */
export function page(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.timeout = patience;
    request.onload = () => (request.response?.getElementById("main") ? resolve(request.response) : reject(unreachable()));
    request.onerror = request.ontimeout = () => reject(unreachable());
    request.send();
  });
}
