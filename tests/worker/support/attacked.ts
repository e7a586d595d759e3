// The hostile requests of tests/proxy/hostile over a socket, against a worker in a runtime of its own.

import { assert, assertEquals } from "@std/assert";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import type { UploadProxyOptions } from "../../../src/worker.ts";
import {
  assertStored,
  assertWritten,
  GOOGLE_TOKEN,
  type Hostile,
  kindOf,
  type Target,
} from "../../proxy/hostile/case.ts";
import { assertNoSecret, Secrets, UNPRINTABLE } from "../../proxy/hostile/secrets.ts";
import { ORIGIN, outcome, type Sent, SESSION_SECRET, TICKET_SECRET } from "../../proxy/support.ts";
import type { Project } from "../../support/example_project.ts";
import type { ServerProcess } from "../../support/server_process.ts";
import { connect, type RawReply } from "./raw_client.ts";
import { type ServedEmulator, serveEmulator } from "../../../src/emulator/serve.ts";
import { type RuntimeName, startWorker } from "../../support/worker_process.ts";

const GOOGLE = "https://storage.googleapis.com";

/** What the case in hand puts in Google's place, and what came there. */
interface Stage {
  readonly hostile: Hostile;
  readonly gcs: GcsEmulator;
  readonly sent: Sent[];
  readonly secrets: Secrets;
  /** Resolves when Google has read something of an object. */
  readonly reading: PromiseWithResolvers<void>;
  /** Resolve when Google is done with its requests. */
  readonly over: Promise<unknown>[];
}

/** Workers of one runtime, each with a set of settings, and one Google behind them all. */
export class AttackedRuntime implements AsyncDisposable {
  readonly #project: Project;
  readonly #runtime: RuntimeName;
  readonly #workers = new Map<string, Promise<ServerProcess>>();
  readonly #google: Promise<ServedEmulator>;
  /** The cases whose sessions these are: a request may come when its case is over. */
  readonly #sessions = new Map<string, Stage>();
  /** The secrets of all cases: none may be in a log, ever. */
  readonly #secrets = new Set<string>();
  #stage: Stage | undefined;

  constructor(project: Project, runtime: RuntimeName) {
    this.#project = project;
    this.#runtime = runtime;
    this.#google = serveEmulator({
      fetch: (input, init) => this.#asGoogle(new URL(String(input)), init!),
    });
  }

  /** Does what the case says, and checks the same as in one process. */
  async attack(hostile: Hostile): Promise<void> {
    const worker = await this.#worker(hostile.options ?? {});
    const gcs = new GcsEmulator(hostile.emulator);
    const secrets = new Secrets([SESSION_SECRET, TICKET_SECRET, GOOGLE_TOKEN]);
    const sent: Sent[] = [];
    this.#stage = { hostile, gcs, sent, secrets, reading: Promise.withResolvers(), over: [] };
    const response = await hostile.run(this.#target(worker, this.#stage));
    const copy = response.clone();
    // A request of a body that was refused may be on its way still.
    if (sent.map(kindOf).join(", ") !== (hostile.google ?? "")) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const answer = await outcome(response);
    const reached = sent.map(kindOf).join(", ");
    // A server that refuses the request itself does so in words of its own, before the proxy sees it.
    const byServer = !copy.headers.has("x-content-type-options") && copy.status >= 400;
    if (byServer) {
      assertEquals(hostile.stored, undefined, `the server answers ${answer}`);
    } else {
      const said = /^\d+$/.test(hostile.answer) ? answer.slice(0, 3) : answer;
      assertEquals(said, hostile.answer, "the answer");
    }
    // A body that is wrong may be known to be before its request to Google has begun.
    if (copy.ok) assertEquals(reached, hostile.google ?? "", "what reaches Google");
    else {
      // Where the server has cut a body, the proxy may ask what of it was stored.
      const most = `${hostile.google ?? ""}${byServer ? ", query" : ""}`;
      assert(most.startsWith(reached), `Google gets ${reached}`);
    }
    assertStored(gcs, hostile);
    for (const request of sent) assertWritten(request);
    await assertNoSecret(copy, [], secrets);
    for (const secret of [...secrets.always, ...secrets.sealed]) this.#secrets.add(secret);
  }

  /** Checks everything that the workers have printed. */
  async checkLogs(): Promise<void> {
    for (const running of this.#workers.values()) {
      const worker = await running;
      await worker.stop();
      for (const secret of this.#secrets) {
        if (secret.length < 16) continue; // may be a word
        assert(!worker.log.includes(secret), `a secret in the log: ${secret.slice(0, 12)}…`);
      }
      const lines = worker.log.split("\n").filter((line) => line.startsWith("{"));
      for (const line of lines) {
        assert(!UNPRINTABLE.test(line), `a line of the log: ${JSON.stringify(line)}`);
        assert(line.length <= 1024, `a line of the log has ${line.length} characters`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers.values()) await (await worker).stop();
    await (await this.#google).close();
  }

  async #worker(options: Partial<UploadProxyOptions>): Promise<ServerProcess> {
    const settings = settingsOf(options, (await this.#google).origin);
    const key = JSON.stringify(settings);
    let worker = this.#workers.get(key);
    if (!worker) {
      this.#workers.set(key, worker = startWorker(this.#project, this.#runtime, settings));
    }
    return await worker;
  }

  #target(worker: ServerProcess, stage: Stage): Target {
    const { gcs, sent, secrets, reading, over } = stage;
    const raw = async (text: string, thenLeave: boolean) => {
      using client = await connect(worker.origin);
      await client.write(new TextEncoder().encode(text));
      if (!thenLeave) return responseOf(await client.reply());
      await reading.promise;
      client.leave();
      await Promise.all(over);
      // Nobody gets the reply; that nothing was stored is what counts.
      const errors = [{ reason: "backendError" }];
      return Response.json({ error: { message: "", errors } }, {
        status: 503,
        headers: { "x-content-type-options": "nosniff" },
      });
    };
    return {
      gcs,
      sent,
      log: [],
      proxy: {
        fetch: (request) => {
          secrets.ofRequest(request);
          return sendRaw(worker.origin, request);
        },
      },
      overSocket: (text) => raw(text, false),
      goAway: (text) => raw(text, true),
    };
  }

  /** What the worker takes for Google: the emulator, or what the case puts in its place. */
  async #asGoogle({ pathname, search }: URL, init: RequestInit): Promise<Response> {
    const stage = this.#sessions.get(pathname + search) ?? this.#stage!;
    const { hostile: { options = {} }, gcs, sent, secrets, reading, over } = stage;
    const method = init.method!;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const seen = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        pieces.push(piece.slice());
        if (kindOf(asked) !== "start") reading.resolve();
        controller.enqueue(piece);
      },
    });
    const headers = new Headers(init.headers);
    for (const name of OWN_HEADERS) headers.delete(name);
    const authorized = method === "POST";
    const url = GOOGLE + pathname + search;
    const asked: Sent = {
      authorized,
      method,
      url: new URL(url),
      headers,
      body: () => joined(pieces),
    };
    sent.push(asked);
    const done = Promise.withResolvers<void>();
    over.push(done.promise);
    try {
      const transport = (authorized ? options.transport : options.fetch) ?? gcs.fetch;
      const body = (init.body as ReadableStream<Uint8Array<ArrayBuffer>> | undefined)
        ?.pipeThrough(seen);
      const reply = await transport(url, { ...init, headers, ...(body && { body }) });
      await body?.cancel().catch(() => {}); // what nobody has read
      secrets.ofGoogle(reply);
      return await this.#here(reply, stage);
    } finally {
      done.resolve();
    }
  }

  /** The reply with a session at this server in place of one at Google, and an end in any case. */
  async #here(reply: Response, stage: Stage): Promise<Response> {
    const headers = new Headers(reply.headers);
    const location = headers.get("location");
    const url = location !== null && URL.canParse(location) ? new URL(location) : undefined;
    if (url?.origin === GOOGLE && url.username === "") {
      const target = url.pathname + url.search;
      this.#sessions.set(target, stage);
      headers.set("location", (await this.#google).origin + target);
    }
    return new Response(await beginning(reply), { status: reply.status, headers });
  }
}

/** So much of a body that nobody takes it for short. */
async function beginning({ body }: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!body) return null;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of body) {
    pieces.push(piece as Uint8Array<ArrayBuffer>);
    if ((size += piece.length) > 5 * 1024 * 1024) break;
  }
  return joined(pieces);
}

/** Headers that runtimes send by themselves. */
const OWN_HEADERS = [
  "accept",
  "accept-encoding",
  "accept-language",
  "connection",
  "host",
  "sec-fetch-mode",
  "transfer-encoding",
  "user-agent",
];

/** The settings that mean these options. */
function settingsOf(
  options: Partial<UploadProxyOptions>,
  endpoint: string,
): Record<string, string> {
  const { maxChunkBytes, contentTypes } = options;
  return {
    GCS_BUCKET: "my-bucket",
    GCS_ENDPOINT: endpoint,
    GOOGLE_AUTH: "none",
    PUBLIC_ORIGIN: ORIGIN,
    SESSION_SECRET,
    TICKET_SECRET,
    ...(maxChunkBytes !== undefined && { MAX_CHUNK_BYTES: `${maxChunkBytes}` }),
    ...(contentTypes && { ALLOWED_CONTENT_TYPES: contentTypes.join(",") }),
  };
}

/** Sends a request as it is, its body in chunks unless it says a length. */
async function sendRaw(origin: string, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  using client = await connect(origin);
  const body = request.body?.getReader();
  const isChunked = body && !request.headers.has("content-length");
  await client.head(request.method, `${origin}${pathname}${search}`, {
    ...Object.fromEntries(request.headers),
    ...(isChunked && { "transfer-encoding": "chunked" }),
  }, pathname + search);
  let replied = false;
  const send = async () => {
    for (let piece = await body?.read(); piece && !replied; piece = await body?.read()) {
      if (piece.done) break;
      await (isChunked ? client.writeChunk(piece.value) : client.write(piece.value));
    }
    if (isChunked && !replied) await client.writeChunk(new Uint8Array());
  };
  const sending = send().catch(() => {}); // the server may have refused it already
  const reply = await client.reply(request.method === "HEAD");
  replied = true;
  client.leave();
  await sending;
  await body?.cancel().catch(() => {});
  return responseOf(reply);
}

function responseOf({ status, headers, body }: RawReply): Response {
  for (const name of ["connection", "date", "keep-alive", "transfer-encoding"]) {
    headers.delete(name);
  }
  return new Response(body === "" ? null : body, { status, headers });
}

function joined(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
