// An error that is printed whole shows no secret: no session URL, no id, no token, no ticket.

import {
  ResumableUpload,
  SimpleUpload,
  type Transport,
  upload,
  type UploadOptions,
  uploadStream,
} from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { fakeClock, WAYS } from "./retry_support.ts";
import { injectAt } from "./stretch_support.ts";
import {
  BUCKET,
  CHUNK,
  kinds,
  opened,
  pattern,
  startUrl,
  storedCheckpoint,
  target,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 100);

/** Secrets of the caller, wherever he may put them. */
const TOKEN = "ya29.T0k3n", TICKET = "eyJ.T1ck3t.x", COOKIE = "c00k1e", PASSWORD = "pa55word";
const HEADERS = { authorization: `Bearer ${TOKEN}`, cookie: `sid=${COOKIE}`, "x-ticket": TICKET };

/** Functions with which runtimes print values; a browser has none that can be called. */
function inspectors(): ((value: unknown) => string)[] {
  // deno-lint-ignore no-explicit-any
  const { Deno, Bun, process } = globalThis as any;
  const inspect = process?.getBuiltinModule?.("node:util")?.inspect;
  return [
    Deno?.inspect && ((value: unknown) => Deno.inspect(value, { depth: 20 })),
    Bun?.inspect && ((value: unknown) => Bun.inspect(value, { depth: 20 })),
    inspect && ((value: unknown) => inspect(value, { depth: 20 })),
    inspect &&
    ((value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: false })),
  ].filter(Boolean);
}

/** Everything that a log may show of an error. */
function printed(value: unknown): string {
  return [
    ...inspectors().map((inspect) => inspect(value)),
    String(value),
    JSON.stringify(value),
    ...walk(value, new Set()),
  ].join("\n");
}

/** What is enumerable of a value and of what it leads to, and what errors say of themselves. */
function* walk(value: unknown, seen: Set<unknown>): Generator<string> {
  if (typeof value !== "object" || value === null) return yield String(value);
  if (seen.has(value)) return;
  seen.add(value);
  if (value instanceof Error) {
    yield* [value.name, value.message, value.stack ?? ""];
    yield* walk(value.cause, seen);
    if (value instanceof AggregateError) yield* walk(value.errors, seen);
  }
  if (value instanceof Response) yield value.url;
  if (value instanceof Headers) { for (const [name, text] of value) yield `${name}: ${text}`; }
  for (const [name, item] of Object.entries(value)) {
    yield name;
    yield* walk(item, seen);
  }
}

/** Fails if the error shows one of the secrets. */
function assertSilent(error: unknown, ...secrets: (string | undefined)[]): void {
  const text = printed(error);
  const id = /upload_id=[\w-]+/.exec(text)?.[0]; // what is left of one that was taken out is none
  for (const secret of [TOKEN, TICKET, COOKIE, PASSWORD, id, ...secrets]) {
    if (secret === undefined || !text.includes(secret)) continue;
    const line = text.split("\n").find((line) => line.includes(secret));
    throw new Error(`${secret} is shown: ${line}`);
  }
}

/** A transport that remembers the ids of the sessions it sees, and fails as runtimes do: with the URL in the message. */
function leaking(gcs: GcsEmulator): { transport: Transport; ids: Set<string> } {
  const ids = new Set<string>();
  const note = (url: string | null) => {
    const id = url && new URL(url).searchParams.get("upload_id");
    if (id) ids.add(id);
  };
  const transport: Transport = async (input, init) => {
    note(input);
    try {
      const response = await gcs.fetch(input, init);
      note(response.headers.get("location"));
      Object.defineProperty(response, "url", { value: input });
      return response;
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      const error = new TypeError(`error sending request for url (${input}): reset`, { cause });
      throw Object.assign(error, { url: input, options: { headers: init.headers } });
    }
  };
  return { transport, ids };
}

const session = startUrl("resumable").replace("?", "?upload_id=S3CR3T&");
const SAYS = [session, `no upload "upload_id=S3CR3T" at ${session}`, `Bearer ${TOKEN}`];

/** What goes wrong, and shows no more than that. */
const FAULTS: [what: string, ...faults: Fault[]][] = [
  ...(["initiate", "chunk", "final"] as const).flatMap((on): [string, ...Fault[]][] => [
    [`a broken connection at ${on}`, { on, drop: "before" }],
    [`a lost reply to ${on}`, { on, drop: "after" }],
    ...[400, 403, 404, 410, 412, 499, 503].map((status): [string, Fault] => [
      `${status} at ${on}`,
      { on, status, headers: { "x-guploader-uploadid": "S3CR3T" } },
    ]),
    ...SAYS.flatMap((text): [string, Fault][] => [
      [`a plain refusal that quotes ${text.slice(0, 30)} at ${on}`, {
        on,
        status: 400,
        headers: { "content-type": "text/plain" },
        body: text,
      }],
      [`a JSON refusal that quotes ${text.slice(0, 30)} at ${on}`, {
        on,
        status: 403,
        body: JSON.stringify({ error: { message: text, errors: [{ reason: text }] } }),
      }],
      [`an XML refusal that quotes ${text.slice(0, 30)} at ${on}`, {
        on,
        status: 403,
        headers: { "content-type": "application/xml; charset=UTF-8" },
        body: `<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><Message>${
          text.replaceAll("&", "&amp;")
        }</Message><StringToSign>${TOKEN}</StringToSign></Error>`,
      }],
    ]),
  ]),
  ["damaged bytes", { on: "chunk", corrupt: true }],
  ["a reply that is cut short", { on: "final", shorten: 9 }],
];

const sessionFaults: PortableCase[] = FAULTS.map(([what, ...faults]) => ({
  name: `an error shows no secret after ${what}`,
  async run() {
    // What was stored all the same is found by asking, so that the upload goes through where it may ask.
    const isStored = faults.some(({ on, drop, shorten }) =>
      on !== "initiate" && (drop === "after" || shorten !== undefined)
    );
    const mayAsk = { clock: fakeClock(), maxAttempts: 2 };
    for (const retry of isStored ? [null] : [null, mayAsk]) {
      const gcs = new GcsEmulator();
      gcs.inject(...faults.map((fault) => ({ ...fault, times: Infinity })));
      const { transport, ids } = leaking(gcs);
      const options = target(gcs, { transport, retry, headers: HEADERS });
      const error = await assertRejects(upload(bytes, options), Error);
      assertSilent(error, ...ids, "S3CR3T");
    }
  },
}));

const transports: PortableCase[] = WAYS.map(({ what, run }) => ({
  name: `${what}: what a transport says of URL and headers is not repeated`,
  async run() {
    const transport: Transport = (input, init) => {
      const inner = new Error(`connect to ${input} with ${JSON.stringify(HEADERS)}`);
      const error = new TypeError(`fetch failed: ${input}`, { cause: inner });
      return Promise.reject(Object.assign(error, { request: { input, init, headers: HEADERS } }));
    };
    const error = await assertRejects(run(transport, { retry: null, headers: HEADERS }), Error);
    assertSilent(error, "name=object");
  },
}));

/** Where nothing may be sent to. */
const nobody: Transport = () => Promise.reject(new TypeError("nobody is here"));

/** What wrong arguments hold. */
const ARGUMENTS: [what: string, call: () => unknown][] = [
  ["a session URL as url", () => upload("a", { url: session, transport: nobody })],
  ["a session URL for a stream", () => uploadStream({ url: session, transport: nobody }).result],
  ["a session URL for a class", () => new ResumableUpload(session, CHUNK)],
  ["a password in the URL", () => new SimpleUpload(`https://user:${PASSWORD}@a.example/x`)],
  [
    "a URL that is none",
    () => upload("a", { url: `upload_id=S3CR3T ${TOKEN}`, transport: nobody }),
  ],
  [
    "a header that cannot be",
    () => upload("a", { url: session, headers: { "a b": TOKEN }, transport: nobody }),
  ],
  ["a header with a line break", () =>
    upload("a", {
      bucket: BUCKET,
      name: "object",
      headers: { authorization: `Bearer ${TOKEN}\nx` },
      transport: nobody,
    })],
];

/** Errors and secrets. */
export const secretErrors: PortableCase[] = [
  ...sessionFaults,
  ...transports,
  ...ARGUMENTS.map(([what, call]): PortableCase => ({
    name: `an error about ${what} does not show it`,
    async run() {
      const error = await assertRejects(Promise.resolve().then(call), Error);
      assertSilent(error, "S3CR3T");
    },
  })),
  {
    name: "an error about a checkpoint does not show it",
    async run() {
      const before = await opened(new GcsEmulator().fetch, new Blob([bytes]));
      const checkpoint = storedCheckpoint(before);
      const id = new URL(checkpoint.sessionUrl).searchParams.get("upload_id")!;
      const broken = [
        { ...checkpoint, version: checkpoint.sessionUrl },
        { ...checkpoint, chunkSize: checkpoint.sessionUrl },
        { ...checkpoint, sessionUrl: checkpoint.sessionUrl.replace("https:", "") },
        checkpoint.sessionUrl,
        JSON.stringify(checkpoint),
      ];
      for (const value of broken) {
        const options = { checkpoint: value } as unknown as UploadOptions;
        const error = await assertRejects(upload(new Blob([bytes]), options), Error);
        assertSilent(error, id);
      }
    },
  },
  {
    name: "response is there for programs, and not for logs",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 403, body: "no" });
      const { transport } = leaking(gcs);
      const error = await assertRejects(
        upload(bytes, target(gcs, { transport, retry: null })),
        Error,
      ) as Error & { response: Response };
      assertEquals([error.response.status, await error.response.text()], [403, "no"]);
      assert(!Object.keys(error).includes("response"), "response is enumerable");
      assert(!("response" in JSON.parse(JSON.stringify(error))), "response is in the JSON");
      for (const inspect of inspectors()) {
        assert(!/\bResponse \{/.test(inspect(error)), `a Response is shown: ${inspect(error)}`);
      }
    },
  },
  {
    name: "over a connection: what the runtime's own fetch says of a broken one shows no secret",
    async run({ origin }: Context) {
      const options = { bucket: BUCKET, name: "secret", endpoint: origin, chunkSize: CHUNK };
      for (const fault of [{ cut: 1000 }, { drop: "after" }]) {
        // More than one: some runtimes send a request again by themselves.
        await injectAt(origin, { on: "chunk", times: 3, ...fault } as Fault);
        const error = await assertRejects(upload(bytes, { ...options, retry: null }), Error);
        assertSilent(error, "/upload/storage/v1");
        await upload(bytes, { ...options, retry: { initialDelay: 1 } }); // uses up the rest of them
      }
    },
  },
  {
    name: "an error of uploadStream() shows no secret",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", drop: "before", times: Infinity });
      const { transport, ids } = leaking(gcs);
      const { writable, result } = uploadStream({
        bucket: BUCKET,
        name: "object",
        chunkSize: CHUNK,
        transport,
        headers: HEADERS,
        retry: null,
      });
      const piping = (new Blob([bytes]).stream() as ReadableStream<Uint8Array>).pipeTo(writable);
      for (const promise of [piping, result]) {
        assertSilent(await assertRejects(promise, Error), ...ids);
      }
      assertEquals(kinds(gcs)[0], "initiate");
    },
  },
];
