// Calls to Curfew: its HTTP API, and its own pages to read again.

const patience = 75_000; // ms; a cleanup may take a minute
const pagePatience = 15_000; // ms; a page takes 10 s at most

/** Problem is the error of a call: its message is a sentence for the reader of the page. */
export class Problem extends Error {
  constructor({ status, code, title, detail, requestId, ...rest }) {
    super(detail || title || `Curfew answered ${status}.`);
    Object.assign(this, { status, code, requestId, rest });
  }
}

const unreachable = () => new Problem({ status: 0, code: "unreachable", detail: "Curfew cannot be reached. Is it running?" });

/** call asks the API and returns its answer. */
export const call = async (method, path, body) => (await answered(method, path, body)).answer;

async function answered(method, path, body) {
  const response = await asked(method, path, body);
  const answer = response.status === 204 ? {} : await response.json().catch(() => null);
  if (response.ok && answer) return { answer, status: response.status };
  throw new Problem({ ...answer, status: response.status });
}

const askEvery = 500; // ms

/** work calls the API for work that may go on as a job, waits for its end, and returns what it did. */
export async function work(method, path, body, onProgress = () => {}) {
  const { answer, status } = await answered(method, path, body);
  if (status !== 202 || !answer.jobId) return answer;
  let job = answer;
  while (job.state === "running") {
    onProgress(job);
    await new Promise((resolve) => setTimeout(resolve, askEvery));
    job = await call("GET", `/api/debug/jobs/${job.jobId}`);
  }
  if (job.state === "succeeded") return { ...job.result, jobId: job.jobId };
  const detail = job.state === "failed" ? job.error : `It was stopped by ${job.cancelledBy}: what was done is done, the rest is not.`;
  throw new Problem({ ...job.result, status: 500, code: "internal", detail, jobId: job.jobId });
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

/** page reads one of Curfew's pages, or what has changed of it since another one. The browser makes the document; nothing in it runs. */
export function page(url, since) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    if (since) request.setRequestHeader("Curfew-Page", since);
    request.responseType = "document";
    request.timeout = pagePatience;
    request.onload = () => (request.response?.getElementById("main") ? resolve(request.response) : reject(unreachable()));
    request.onerror = request.ontimeout = () => reject(unreachable());
    request.send();
  });
}
