/**
 * The CPU time that the proxy itself takes for a start and for a chunk: it is called without a socket, before a Google that
 * answers at once. With `--cpu-prof`, where that time goes.
 *
 * ```sh
 * deno run --allow-all --cpu-prof bench/proxy/in_process.ts start
 * ```
 *
 * @module
 */

import process from "node:process";
import { createUploadProxy, signUploadTicket } from "../../src/worker.ts";

const [what = "chunk", count = "20000"] = process.argv.slice(2);
const REQUESTS = Number(count);

const SIZE = 262_144;
const START = "http://127.0.0.1/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object";
const TICKET_SECRET = "a ticket secret of more than thirty-two bytes";

let sessions = 0;

/** Opens sessions, and has stored every chunk without looking at it. */
function google(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  if (init?.method === "POST") {
    const location = `${url}&upload_id=${`${++sessions}`.padStart(100, "A")}`;
    return Promise.resolve(new Response(null, { headers: { location, "content-length": "0" } }));
  }
  const last = /-(\d+)\//.exec(new Headers(init?.headers).get("content-range")!)![1];
  const headers = { range: `bytes=0-${last}`, "content-length": "0" };
  return Promise.resolve(new Response(null, { status: 308, headers }));
}

const proxy = createUploadProxy({
  transport: google,
  fetch: google,
  bucket: "bucket",
  sessionSecrets: [
    crypto.getRandomValues(new Uint8Array(32)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    }),
  ],
  tickets: { secret: TICKET_SECRET },
  log: (entry) => void JSON.stringify(entry),
});

const grant = { prefix: "", subject: "user-17" };
const ticket = await signUploadTicket(TICKET_SECRET, grant, { expiresIn: 3600 });

async function start(): Promise<string> {
  const headers = { authorization: `Bearer ${ticket}`, "content-length": "0" };
  const reply = await proxy.fetch(new Request(START, { method: "POST", headers }));
  if (reply.status !== 200) throw new Error(await reply.text());
  return reply.headers.get("location")!;
}

/** Chunks of one session, of which nobody reads the bytes. */
async function chunks(): Promise<() => Promise<void>> {
  const session = await start();
  let at = 0;
  return async () => {
    const range = `bytes ${at}-${at + SIZE - 1}/*`;
    const headers = { "content-length": `${SIZE}`, "content-range": range };
    const body = new ReadableStream({}, { highWaterMark: 0 });
    const reply = await proxy.fetch(new Request(session, { method: "PUT", headers, body }));
    if (reply.status !== 308) throw new Error(await reply.text());
    at += SIZE;
  };
}

const once = what === "start" ? start : await chunks();
for (let i = 0; i < REQUESTS / 2; i++) await once();
const before = process.cpuUsage();
for (let i = 0; i < REQUESTS; i++) await once();
const { user, system } = process.cpuUsage(before);
console.log(`${((user + system) / REQUESTS).toFixed(1)} µs of CPU time for each ${what}`);
