// What a hostile request is, and what has to hold after each of them, whatever it was.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Transport } from "../../../mod.ts";
import type { GcsEmulator, GcsEmulatorOptions } from "../../../src/emulator/mod.ts";
import { proxyOptions, type UploadLogEntry, type UploadProxyOptions } from "../../../src/worker.ts";
import {
  outcome,
  type Sent,
  SESSION_SECRET,
  type Setup,
  setup,
  start,
  TICKET_SECRET,
} from "../support.ts";
import { goAway, overSocket } from "./over_socket.ts";
import { assertNoSecret, Secrets } from "./secrets.ts";

/** A proxy that is attacked. */
export interface Target extends Setup {
  /** Sends bytes as they are, and gives the reply. The text must ask for `Connection: close`. */
  overSocket(text: string): Promise<Response>;
  /** Sends the beginning of a request and goes away once it is read; gives the reply that nobody gets. */
  goAway(text: string): Promise<Response>;
}

/** One line of the table in docs/security.md. */
export interface Hostile {
  /** What the attacker does; markdown. */
  readonly attack: string;
  /** Status and reason of the answer. */
  readonly answer: string;
  /** The requests that reach Google; none by default. */
  readonly google?: string;
  /** The objects at Google afterwards, as `name (bytes)`; none by default. */
  readonly stored?: string;
  readonly options?: Partial<UploadProxyOptions>;
  readonly emulator?: GcsEmulatorOptions;
  readonly run: (target: Target) => Promise<Response>;
}

/** The proxy's own credentials at Google. */
export const GOOGLE_TOKEN = "google-access-token-of-the-proxy";

/** Does what the case says; checks the answer, what reached Google, and that no secret came out anywhere. */
export async function attack(hostile: Hostile): Promise<void> {
  const { options = {}, emulator } = hostile;
  const secrets = new Secrets([SESSION_SECRET, TICKET_SECRET, GOOGLE_TOKEN]);
  const lines: string[] = [];
  const log: UploadLogEntry[] = [];
  const context = setup({
    ...options,
    log(entry) {
      log.push(entry);
      lines.push(...printed(() => workerLog(entry)));
    },
    transport: watched(secrets, options.transport, GOOGLE_TOKEN, () => context.gcs.fetch),
    fetch: watched(secrets, options.fetch, undefined, () => context.gcs.fetch),
  }, emulator);
  const proxy = {
    fetch: (request: Request) => {
      secrets.ofRequest(request);
      return context.proxy.fetch(request);
    },
  };
  const target: Target = {
    ...context,
    proxy,
    log,
    overSocket: (text) => overSocket(proxy, text),
    goAway: (text) => goAway(proxy, text),
  };
  const response = await hostile.run(target);
  const copy = response.clone();
  assertEquals(await outcome(response), hostile.answer, "the answer");
  const { gcs, sent } = context;
  assertEquals(sent.map(kindOf).join(", "), hostile.google ?? "", "what reaches Google");
  assertStored(gcs, hostile);
  for (const request of sent) {
    assertEquals(request.authorized, request.method === "POST", "credentials go with starts only");
    assertWritten(request);
  }
  await assertNoSecret(copy, lines, secrets);
}

/** Whether just those objects are at Google that the case says. */
export function assertStored(gcs: GcsEmulator, { stored = "" }: Hostile): void {
  const found = gcs.objects.map(({ name, size }) => `${name} (${size})`).join(", ");
  assertEquals(found, stored, "what is stored");
  for (const { bucket } of gcs.objects) assertEquals(bucket, "my-bucket");
}

/** Starts an upload with the name `a` and gives its URL on the proxy and at Google. */
export async function started(
  target: Target,
  options?: Parameters<typeof start>[2],
): Promise<string> {
  return await start(target, "name=a", options);
}

function watched(
  secrets: Secrets,
  own: Transport | undefined,
  token: string | undefined,
  emulator: () => Transport,
): Transport {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    if (token) headers.set("authorization", `Bearer ${token}`);
    const reply = await (own ?? emulator())(url, { ...init, headers });
    secrets.ofGoogle(reply);
    return reply;
  };
}

/** The log of the worker that is deployed as it is. */
const workerLog = proxyOptions({
  GCS_ENDPOINT: "http://127.0.0.1:1",
  GOOGLE_AUTH: "none",
  SESSION_SECRET,
  TICKET_SECRET,
}).log!;

/** What a synchronous function prints, call by call. */
function printed(write: () => void): string[] {
  const lines: string[] = [];
  const { log } = console;
  console.log = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    write();
  } finally {
    console.log = log;
  }
  return lines;
}

/** What a request to Google is for. */
export function kindOf({ method, url, headers }: Sent): string {
  if (method === "DELETE") return "cancel";
  if (method === "POST") {
    return url.searchParams.get("uploadType") === "resumable" ? "start" : "object";
  }
  return headers.get("content-range")?.startsWith("bytes */") ? "query" : "chunk";
}

const HEADERS = [
  "content-length",
  "content-range",
  "content-type",
  "x-goog-hash",
  "x-guploader-no-308",
  "x-upload-content-length",
  "x-upload-content-type",
];
const PARAMETERS =
  /^(?:fields|ifGenerationMatch|ifGenerationNotMatch|ifMetagenerationMatch|ifMetagenerationNotMatch|name|uploadType)$/;
const RANGE = /^bytes (?:\d{1,15}-(?:\d{1,15}|\*)|\*)\/(?:\d{1,15}|\*)$/;

/** Whether a request to Google holds nothing but what the proxy writes itself. */
export function assertWritten({ method, url, headers }: Sent): void {
  assertEquals(url.origin, "https://storage.googleapis.com");
  const strange = [...headers.keys()].filter((name) => !HEADERS.includes(name));
  assertEquals(strange, [], "headers to Google");
  const range = headers.get("content-range");
  if (range !== null) assertMatch(range, RANGE);
  if (method !== "POST") return;
  assertEquals(url.pathname, "/upload/storage/v1/b/my-bucket/o");
  assert([...url.searchParams.keys()].every((name) => PARAMETERS.test(name)), url.search);
  assertEquals(url.searchParams.get("ifGenerationMatch"), "0", "nothing is overwritten");
}
