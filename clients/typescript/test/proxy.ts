// Proxies between a client and Curfew that do what proxies do: lose answers, cut connections, hold bytes back.

import { createServer, request, type Server } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { after } from "node:test";

async function listening(server: Server | ReturnType<typeof createTcpServer>, close: () => void): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    close();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** deserted returns an address where nobody listens any more. */
export async function deserted(): Promise<string> {
  const server = createTcpServer();
  const url = await listening(server, () => {});
  await new Promise((resolve) => server.close(resolve));
  return url;
}

/** What a proxy does with one request: pass it on, lose the answer, or answer itself. */
export type Fate = "pass" | "lose" | { status: number; headers?: Record<string, string>; body?: string };

/** lossy is a proxy that asks what to do with each request. */
export async function lossy(to: string, fate: (n: number) => Fate): Promise<{ url: string; count: () => number }> {
  let n = 0;
  const server = createServer((incoming, outgoing) => {
    const what = fate(n++);
    if (typeof what === "object") {
      incoming.resume();
      outgoing.writeHead(what.status, what.headers).end(what.body ?? "");
      return;
    }
    const onward = request(new URL(incoming.url ?? "/", to), { method: incoming.method, headers: incoming.headers }, (answer) => {
      if (what === "lose") {
        answer.resume().on("end", () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  return { url: await listening(server, () => server.closeAllConnections()), count: () => n };
}

/** How a proxy treats what a connection brings back. */
export interface Treatment {
  /** Cut the connection after so many bytes. */
  cutAfter?: number;
  /** Hand on only when so many bytes are there, */
  hold?: number;
  /** or so many milliseconds have passed. */
  flush?: number;
}

/** wire is a proxy of bytes that asks how to treat each connection. */
export async function wire(to: string, treat: (n: number) => Treatment): Promise<{ url: string; count: () => number }> {
  const target = new URL(to);
  const open = new Set<Socket>();
  let n = 0;
  const server = createTcpServer((near) => {
    const treatment = treat(n++);
    const far = connect(Number(target.port), target.hostname);
    let passed = 0;
    let held: Buffer[] = [];
    const end = () => {
      clearInterval(timer);
      near.destroy();
      far.destroy();
      open.delete(near);
    };
    const flush = () => {
      const bytes = Buffer.concat(held);
      held = [];
      const room = (treatment.cutAfter ?? Infinity) - passed;
      passed += bytes.length;
      near.write(bytes.subarray(0, room));
      if (bytes.length >= room) {
        near.end(end);
      }
    };
    const timer = treatment.flush ? setInterval(flush, treatment.flush) : undefined;
    far.on("data", (bytes) => {
      held.push(bytes);
      if (Buffer.concat(held).length >= (treatment.hold ?? 0)) {
        flush();
      }
    });
    near.pipe(far);
    far.on("close", end).on("error", end);
    near.on("close", end).on("error", end);
    open.add(near);
  });
  return { url: await listening(server, () => open.forEach((socket) => socket.destroy())), count: () => n };
}
