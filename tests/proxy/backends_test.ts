// Backends that others write: Drive as the example has it, one written from scratch, and what the proxy holds all of them to.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { drive } from "../../examples/drive_proxy/drive.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { proxyOptions } from "../../src/worker.ts";
import {
  apiBackend,
  type Backend,
  createUploadProxy,
  type FinishEvent,
  geminiFiles,
  HttpError,
  type UploadProxyOptions,
} from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { ask, ORIGIN, outcome, SESSION_SECRET, type Setup, setup } from "./support.ts";
import { metadata, patch, Q, told, tus } from "./tus_support.ts";
import { begin, begun, command, said, sample, stands } from "./x_goog_support.ts";

const DRIVE = `${ORIGIN}/upload/drive/v3/files`;

/** A proxy with the Drive of the example behind it, where everybody may upload. */
function driveSetup(options: Partial<UploadProxyOptions> = {}): Setup {
  const context: Setup = setup({
    backends: [
      drive({
        folder: "the-folder",
        fetch: (url, init) => context.gcs.fetch(url, init),
        transport: (url, init) => {
          const headers = new Headers(init.headers);
          headers.set("authorization", "Bearer of-the-operator");
          return context.gcs.fetch(url, { ...init, headers });
        },
      }),
    ],
    authorize: () => ({ backend: "drive", prefix: "" }),
    ...options,
  });
  return context;
}

const BYTES = sample(2 * Q + 5);

Deno.test("Drive, as the example has it: Google's protocol, X-Goog-Upload and tus on one session", async () => {
  const context = driveSetup();
  const start = await ask(context, `${DRIVE}?uploadType=resumable`, {
    grant: null,
    body: JSON.stringify({ name: "paper.pdf", mimeType: "application/pdf" }),
  });
  const url = start.headers.get("location")!;
  const put = await ask(context, url, {
    method: "PUT",
    headers: { "content-range": `bytes 0-${Q + 99}/*` },
    body: sample(Q + 100),
  });
  assertEquals([put.status, put.headers.get("range")], [308, `bytes=0-${Q - 1}`]);
  assertEquals(await said(await command(context, url, "query")), `200 active at ${Q}`);
  assertEquals(
    await told(await patch(context, url, Q, BYTES.subarray(Q, 2 * Q))),
    `204 at ${2 * Q}`,
  );
  const last = await command(context, url, "upload, finalize", {
    offset: 2 * Q,
    body: BYTES.subarray(2 * Q),
  });
  const file = await last.json();
  const [stored] = context.gcs.uploads;
  assertEquals([file.id, file.name, file.size], [stored.id, "paper.pdf", String(BYTES.length)]);
  assertEquals(stored.metadata, {
    name: "paper.pdf",
    mimeType: "application/pdf",
    parents: ["the-folder"],
  });
  assertEquals(difference(stored.bytes!, BYTES), -1);
});

Deno.test("Drive, as the example has it: a client chooses no folder; onFinish hears of the file", async () => {
  const events: FinishEvent[] = [];
  const context = driveSetup({ onFinish: (event) => void events.push(event) });
  for (const fields of [{ parents: ["other"] }, { name: 5 }, { id: "mine" }]) {
    assertEquals(
      await stands(await begin(context, { to: DRIVE, query: "", metadata: fields })),
      "400 final",
    );
  }
  assertEquals(context.gcs.requests.length, 0);
  const created = await tus(context, "POST", DRIVE, {
    headers: { "upload-length": "5", "upload-metadata": metadata({ filename: "a" }) },
  });
  await patch(context, created.headers.get("location")!, 0, sample(5));
  const [{ id }] = context.gcs.uploads;
  assertEquals(events.map(({ backend, name, uri, size }) => ({ backend, name, uri, size })), [
    { backend: "drive", name: id, uri: `https://drive.google.com/file/d/${id}`, size: 5 },
  ]);
});

/** A backend written from scratch: bytes in memory, and what it was asked. */
function memory(granularity = 4, more: Partial<Backend> = {}) {
  const files = new Map<string, { bytes: number[]; isDone: boolean }>();
  const asked: string[] = [];
  const backend: Backend = {
    name: "memory",
    granularity,
    maxBytes: 100,
    locate: (path) => path === "/memory" ? {} : undefined,
    describe: (fields) => {
      if (Object.keys(fields).length > 0) throw new HttpError(400, "invalid", "No fields");
      return {};
    },
    start({ name }) {
      files.set(name, { bytes: [], isDone: false });
      asked.push(`start ${name}`);
      return Promise.resolve({ target: name });
    },
    async append(target, { range }, { body, length }) {
      const file = files.get(target)!;
      if (body) file.bytes.push(...new Uint8Array(await new Response(body).arrayBuffer()));
      const { last, total } = range ?? {};
      asked.push(`append ${length} ${range && JSON.stringify(range)}`);
      file.isDone = !range || file.bytes.length === total ||
        (range.first !== undefined && last === undefined);
      return await backend.ask(target, {});
    },
    ask(target) {
      const { bytes, isDone } = files.get(target)!;
      const size = bytes.length;
      return Promise.resolve(
        isDone
          ? { kind: "finished", object: { bucket: "", name: target, size, resource: { size } } }
          : { kind: "stored", persisted: size },
      );
    },
    cancel: () => Promise.resolve({ kind: "cancelled" }),
    ...more,
  };
  return { backend, files, asked };
}

const grant = { backend: "memory", prefix: "" };
const MEMORY = `${ORIGIN}/memory`;

Deno.test("a backend of one's own gets whole multiples of its granularity, whichever protocol the client speaks", async () => {
  const { backend, asked, files } = memory(4);
  const context = setup({ backends: [backend], authorize: () => grant });
  const url = await begun(context, { to: MEMORY, query: "?name=a" });
  await ask(context, url, {
    method: "PUT",
    headers: { "content-range": "bytes 0-5/*" },
    body: new Uint8Array([0, 1, 2, 3, 4, 5]),
  });
  await patch(context, url, 4, new Uint8Array([4, 5, 6, 7, 8]));
  const rest = { offset: 8, body: new Uint8Array([8, 9]) };
  assertEquals(
    await said(await command(context, url, "upload, finalize", rest)),
    "200 final at 10",
  );
  assertEquals(asked, [
    "start a",
    'append 4 {"first":0,"last":3}',
    'append 4 {"first":4,"last":7}',
    'append 2 {"first":8,"last":9,"total":10}',
  ]);
  assertEquals(files.get("a")!.bytes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("a session may have another granularity than its backend, and keeps it", async () => {
  const start: Backend["start"] = ({ name }) => {
    files.set(name, { bytes: [], isDone: false });
    return Promise.resolve({ target: name, granularity: 8 });
  };
  const { backend, files } = memory(4, { start });
  const context = setup({ backends: [backend], authorize: () => grant });
  const reply = await begin(context, { to: MEMORY, query: "?name=a" });
  assertEquals(reply.headers.get("x-goog-upload-chunk-granularity"), "8");
  const url = reply.headers.get("x-goog-upload-url")!;
  const other = setup({
    backends: [memory(4, { ask: backend.ask }).backend],
    authorize: () => grant,
  });
  const four = { offset: 0, body: new Uint8Array(4) };
  assertEquals(await stands(await command(other, url, "upload", four)), "400 active");
});

Deno.test("a backend without uploads in one request gets a session for each", async () => {
  const { backend, asked } = memory();
  const context = setup({ backends: [backend], authorize: () => grant });
  const reply = await ask(context, `${MEMORY}?uploadType=media&name=a`, {
    grant: null,
    body: "hello",
  });
  assertEquals(await reply.json(), { size: 5 });
  assertEquals(asked, ["start a", "append undefined undefined"]);
});

Deno.test("what a backend throws is not told; its own HttpError is", async () => {
  for (
    const [thrown, answer] of [
      [new Error("the password is 17"), "500 internalError"],
      [new HttpError(429, "rateLimitExceeded", "Slowly"), "429 rateLimitExceeded"],
    ] as const
  ) {
    const { backend } = memory(4, { start: () => Promise.reject(thrown) });
    const context = setup({ backends: [backend], authorize: () => grant });
    const reply = await ask(context, `${MEMORY}?uploadType=resumable&name=a`, { grant: null });
    const text = await reply.clone().text();
    assertEquals([await outcome(reply), text.includes("17")], [answer, false]);
  }
});

Deno.test("a backend's limit holds beside the proxy's", async () => {
  const context = setup({ backends: [memory().backend], authorize: () => grant });
  const options = { to: MEMORY, query: "?name=a", size: 101 };
  assertEquals(await stands(await begin(context, options)), "413 final");
  const url = await begun(context, { ...options, size: 100 });
  const reply = await command(context, url, "upload, finalize", { offset: 0, body: sample(101) });
  assertEquals(await stands(reply), "413 final");
});

Deno.test("backends that cannot be are refused when the proxy is made", () => {
  const wrong: [Partial<Backend>, string][] = [
    [{ name: "cloud-storage" }, "names"],
    [{ name: "Drive" }, "names"],
    [{ name: "" }, "names"],
    [{ granularity: 0 }, "granularity"],
    [{ granularity: 1.5 }, "granularity"],
    [{ maxBytes: -1 }, "maxBytes"],
    [{ ask: undefined as unknown as Backend["ask"] }, "methods"],
  ];
  const make = (backends: Backend[]) =>
    createUploadProxy({ backends, authorize: () => grant, sessionSecrets: [SESSION_SECRET] });
  for (const [more, words] of wrong) {
    assertThrows(() => make([memory(4, more).backend]), TypeError, words);
  }
  assertThrows(() => make([memory().backend, memory().backend]), TypeError, "taken");
  assertThrows(() => make("drive" as unknown as Backend[]), TypeError, "list");
});

const API = {
  name: "a",
  path: /^\/a$/g,
  url: "https://a.example/",
  transport: new GcsEmulator().fetch,
  describe: () => ({}),
  metadata: () => ({}),
  read: () => undefined,
};

Deno.test("an API backend refuses options that are missing, wrong or unknown, by their name", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ url: "/a" }, "url"],
    [{ path: "/a" }, "path"],
    [{ transport: undefined }, "transport"],
    [{ read: 5 }, "read"],
    [{ protocol: "x-goog-upload" }, "protocol"],
    [{ granularty: 5 }, "granularty"],
  ];
  for (const [more, words] of wrong) {
    assertThrows(() => apiBackend({ ...API, ...more } as typeof API), TypeError, words);
  }
  assertThrows(
    () => geminiFiles({ apiKey: "k", key: "k" } as { apiKey: string }),
    TypeError,
    "key",
  );
});

Deno.test("a pattern of a path means the same each time, whatever its flags", () => {
  const { locate } = apiBackend(API);
  assertEquals([locate("/a"), locate("/a"), locate("/b")], [{}, {}, undefined]);
});

Deno.test("the worker's settings: Gemini beside Cloud Storage, or alone", async () => {
  const settings = {
    SESSION_SECRET,
    TICKET_SECRET: "a ticket secret of more than thirty-two bytes",
    GEMINI_API_KEY: "key",
    GOOGLE_AUTH: "none",
  };
  const alone = proxyOptions(settings);
  assertEquals([alone.transport, alone.backends?.map(({ name }) => name)], [undefined, ["gemini"]]);
  const both = proxyOptions({ ...settings, GCS_ENDPOINT: "http://127.0.0.1:1" });
  assertEquals([typeof both.transport, both.backends?.length], ["function", 1]);
  const proxy = createUploadProxy({ ...alone, log: undefined });
  const reply = await proxy.fetch(new Request(`${ORIGIN}/upload/v1beta/files`, { method: "POST" }));
  assertMatch(await outcome(reply), /^40/);
});
