// One live stream for all tabs of a site, in a shared worker: a subject may have 5 streams, and a browser opens 6 connections to a host.
// Tabs send {url, token} to open it, again with a newer token, and {bye: true} when they leave. They get {event, data}.

const tabs = new Set();
const seen = new Map(); // the newest number of each session's events
let url, token, hello, lastId, running = false, retry = 2000;

onconnect = ({ports: [tab]}) => {
  tabs.add(tab);
  tab.onmessage = ({data}) => {
    if (data.bye) return tabs.delete(tab);
    ({url, token} = data);
    if (hello) tab.postMessage(hello); // so that this tab reads its lists, too
    if (!running) run();
  };
};

async function run() {
  running = true;
  while (tabs.size > 0) {
    const problem = await read().catch((error) => ({code: "network", detail: String(error)}));
    if (problem) tell({event: "problem", data: problem}); // unauthenticated: send a newer token
    await new Promise((resolve) => setTimeout(resolve, retry));
  }
  running = false;
}

// read reads a stream to its end, from where the last one ended.
async function read() {
  const headers = {Authorization: `Bearer ${token}`};
  if (lastId) headers["Last-Event-ID"] = lastId;
  const response = await fetch(`${url}/api/stream`, {headers});
  if (!response.ok) return response.json();
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    blocks.forEach(take);
  }
}

// take takes one server-sent event. One without data is a heartbeat.
function take(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
  if (fields.retry) retry = Number(fields.retry);
  if (fields.id) lastId = fields.id;
  if (!fields.data) return;
  const message = {event: fields.event, data: JSON.parse(fields.data)};
  if (message.event === "hello") hello = message;
  if (message.event === "session") {
    const {sessionId, number} = message.data;
    if (number <= (seen.get(sessionId) ?? 0)) return; // repeats are normal, gaps are not
    seen.set(sessionId, number);
  }
  tell(message);
}

function tell(message) {
  for (const tab of tabs) tab.postMessage(message);
}
