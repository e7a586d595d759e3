// The transport on XMLHttpRequest: what `fetch` does, and how much of a body has gone out. In pages, and in their workers.

import {
  InvalidResponse,
  type Transport,
  type TransportInit,
  UploadError,
  type UploadProgress,
} from "../../../mod.ts";
import { xhrTransport } from "../../../src/xhr/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { failureOf } from "./sources_support.ts";
import {
  anotherServer,
  assertNothingTwice,
  assertStoredAt,
  injectAt,
  long,
  MIB,
  Recorder,
  requestsAt,
  sendTo,
} from "./stretch_support.ts";
import { assertBytes, pattern } from "./upload_support.ts";

const SIZE = 9 * MIB + 7;

const blob = (size: number): Blob => new Blob([long(size)], { type: "image/png" });

/** The numbers of `sent` before anything was confirmed. */
async function sentAtFirst(origin: string, name: string, transport: Transport): Promise<number[]> {
  const calls: UploadProgress[] = [];
  await sendTo(origin, name, blob(8 * MIB), {
    transport,
    onProgress: (progress) => void calls.push(progress),
  });
  await assertStoredAt(origin, name, long(8 * MIB));
  calls.slice(1).forEach(({ sent, persisted }, i) => {
    assert(sent >= calls[i].sent, `sent went from ${calls[i].sent} to ${sent}`);
    assert(persisted <= sent, `${persisted} of ${sent} bytes`);
  });
  return calls.filter(({ persisted }) => persisted === 0).map(({ sent }) => sent);
}

const isInWorker = (): boolean => !("document" in globalThis);

/** A worker, as far as it is used here. */
interface WorkerLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message: string }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** Runs the cases whose name contains `only` in a worker of the page. */
async function runInWorker(context: Context, only: string) {
  const { Worker } = globalThis as unknown as {
    Worker: new (url: string, options: { type: "module" }) => WorkerLike;
  };
  const script = `import { run } from ${JSON.stringify(import.meta.url)};
    onmessage = async ({ data }) => postMessage(await run(data));
    postMessage("ready");`;
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    return await new Promise<{ passed: number; failures: unknown[] }>((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.onmessage = ({ data }) => {
        if (data === "ready") worker.postMessage({ ...context, only });
        else resolve(data as { passed: number; failures: unknown[] });
      };
    });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}

const inPages: PortableCase[] = [
  {
    name: "xhr: a 308 without Location is a reply, with its headers, as it is with fetch",
    async run({ origin }) {
      const init = { method: "PUT", headers: { "content-range": "bytes 0-4/*" }, body: "hello" };
      const mine = await xhrTransport()(`${origin}/308`, init);
      const theirs = await fetch(`${origin}/308`, init);
      for (const { status, headers, type, url } of [mine, theirs]) {
        assertEquals([status, headers.get("range"), type, url], [
          308,
          "bytes=0-4",
          "cors",
          `${origin}/308`,
        ]);
      }
    },
  },
  {
    name: "xhr: `sent` follows the wire within a request, also through a transport around it",
    async run(context) {
      // What is in the buffers of the system, some megabytes, has gone out already.
      const origin = await anotherServer(context, { bytesPerSecond: 10 * MIB });
      const inner = xhrTransport();
      const around: Transport = async (input, init) => {
        await Promise.resolve();
        return await inner(input, { ...init, headers: new Headers(init.headers) });
      };
      for (const [name, transport] of Object.entries({ inner, around })) {
        const sent = await sentAtFirst(origin, `xhr-progress-${name}-${isInWorker()}`, transport);
        const between = new Set(sent.filter((bytes) => bytes > 0 && bytes < 8 * MIB));
        assert(between.size >= 1, `${name}: ${sent}`);
      }
    },
  },
  {
    name: "xhr: fetch tells as before: all bytes of a request at once",
    async run({ origin }) {
      const name = `xhr-fetch-${isInWorker()}`;
      const transport: Transport = (input, init) => fetch(input, init);
      assertEquals(await sentAtFirst(origin, name, transport), [8 * MIB]);
    },
  },
  {
    name: "xhr: an upload comes out right through refusals, resets and lost replies",
    async run({ origin }) {
      const name = `xhr-faults-${isInWorker()}`;
      const faults = [{ status: 503 }, { cut: MIB + 5 }, { drop: "after" as const }];
      await injectAt(
        origin,
        ...faults.map((fault, skip) => ({ on: "chunk" as const, skip, ...fault })),
      );
      const recorder = new Recorder();
      const transport = recorder.transport(xhrTransport());
      await sendTo(origin, name, blob(SIZE), { chunkSize: 2 * MIB, transport });
      await assertStoredAt(origin, name, long(SIZE));
      assertNothingTwice(await requestsAt(origin, name), name, recorder.ranges);
    },
  },
  {
    name: "xhr: a request that stands still is given up after stallTimeout, however long it may be",
    async run({ origin }) {
      const name = `xhr-stall-${isInWorker()}`;
      await injectAt(origin, { on: ["chunk", "final"], hang: "before" });
      // For fetch the deadline would be ten minutes.
      const retry = { stallTimeout: 500, attemptTimeout: 600_000, initialDelay: 1 };
      await sendTo(origin, name, blob(3 * MIB), { transport: xhrTransport(), retry });
      await assertStoredAt(origin, name, long(3 * MIB));
    },
  },
  {
    name: "xhr: an abort ends a request at once, with the signal's own reason",
    async run({ origin }) {
      const own = new Error("the user has left");
      const stop = new AbortController();
      const sending = xhrTransport()(`${origin}/hang`, {
        method: "PUT",
        body: "hello",
        signal: stop.signal,
      });
      setTimeout(() => stop.abort(own), 50);
      assert(await failureOf(() => sending) === own, "the reason");
      const again = { method: "PUT", signal: AbortSignal.abort(own) };
      assert(await failureOf(() => xhrTransport()(`${origin}/echo`, again)) === own, "at once");
      const heard = new AbortController();
      const begun = {
        method: "PUT",
        body: "hello",
        signal: heard.signal,
        onSent: () => heard.abort(own),
      };
      assert(
        await failureOf(() => xhrTransport()(`${origin}/hang`, begun)) === own,
        "when it begins",
      );
    },
  },
  {
    name: "xhr: bytes, views, Blobs, slices and strings arrive as they are",
    async run({ origin }) {
      const bytes = pattern(1000);
      const shared = new Blob([bytes]);
      const bodies: [
        Blob | Uint8Array<ArrayBuffer> | ArrayBuffer | string | DataView<ArrayBuffer>,
        Uint8Array,
      ][] = [
        [bytes, bytes],
        [bytes.subarray(10, 20), bytes.slice(10, 20)],
        [bytes.buffer, bytes],
        [new DataView(bytes.buffer, 5, 7), bytes.slice(5, 12)],
        [shared, bytes],
        [shared.slice(100, 300), bytes.slice(100, 300)],
        ["grüße", new TextEncoder().encode("grüße")],
        ["", new Uint8Array(0)],
      ];
      for (const [body, expected] of bodies) {
        const reply = await xhrTransport()(`${origin}/echo`, { method: "POST", body });
        assertBytes(new Uint8Array(await reply.arrayBuffer()), expected, "the echo");
      }
    },
  },
  {
    name: "xhr: a stream and a form are refused with a TypeError, and the stream is not touched",
    async run({ origin }) {
      const stream = new Blob(["hello"]).stream();
      for (const body of [stream, new FormData(), new URLSearchParams("a=b")]) {
        const sending = xhrTransport()(`${origin}/echo`, { method: "PUT", body });
        const { message } = await assertRejects(sending, TypeError);
        assert(/expected a Blob, bytes or a string/.test(message), message);
      }
      assert(!stream.locked, "the stream is locked");
      const { value } = await stream.getReader().read();
      assertEquals(value?.length, 5, "what can still be read");
    },
  },
  {
    name: "xhr: a reply that is longer than the bound ends the upload, as it does with fetch",
    async run({ origin }) {
      const init = { method: "POST", body: new Blob([pattern(100_000)]) };
      const transport = xhrTransport({ maxReplyBytes: 99_999 });
      const error = await assertRejects(transport(`${origin}/echo`, init), InvalidResponse);
      assertEquals([error.code, error.status], ["invalid_response", 200]);
      assert(/at most 99999 bytes/.test(error.message), error.message);
      const whole = await xhrTransport({ maxReplyBytes: 100_000 })(`${origin}/echo`, init);
      assertEquals((await whole.arrayBuffer()).byteLength, 100_000);
    },
  },
  {
    name: "xhr: a request that takes longer than `timeout` is a TimeoutError",
    async run({ origin }) {
      const sending = xhrTransport({ timeout: 50 })(`${origin}/hang`, { method: "PUT", body: "a" });
      assertEquals((await assertRejects(sending, DOMException)).name, "TimeoutError");
    },
  },
  {
    name: "xhr: a failed connection is a TypeError, says what may be the reason, and not where to",
    async run() {
      const url = "http://127.0.0.1:9/secret?upload_id=secret"; // a port that browsers refuse
      for (const send of [xhrTransport(), fetch]) {
        const error = await assertRejects(send(url, { method: "PUT", body: "a" }), TypeError);
        assertEquals(error.name, "TypeError");
        assert(!error.message.includes("secret"), error.message);
      }
      const elsewhere = await assertRejects(xhrTransport()(url, { method: "PUT" }), TypeError);
      assert(/the connection failed, or .*CORS/.test(elsewhere.message), elsewhere.message);
    },
  },
  {
    name: "xhr: a connection that breaks in the middle says after how many bytes",
    async run(context) {
      const origin = await anotherServer(context, { bytesPerSecond: 8 * MIB });
      // Again and again: a browser repeats a request by itself if the connection was used before.
      await injectAt(origin, { on: ["chunk", "final"], cut: MIB, times: Infinity });
      const sending = sendTo(origin, "a", blob(SIZE), {
        transport: xhrTransport(),
        retry: false,
      });
      const error = await assertRejects(sending, UploadError);
      assertEquals(error.code, "transport_failed");
      assert(
        /: the connection broke after \d+ of 8388608 bytes/.test(error.message),
        error.message,
      );
    },
  },
  {
    name:
      "xhr: cookies go along only where `withCredentials` says so; a server for everybody refuses them",
    async run({ origin }) {
      const init = { method: "POST", body: "a" };
      const sending = xhrTransport({ withCredentials: true })(`${origin}/echo`, init);
      await assertRejects(sending, TypeError); // Access-Control-Allow-Origin: *
      await assertRejects(
        xhrTransport()(`${origin}/echo`, { ...init, credentials: "include" }),
        TypeError,
      );
      assertEquals((await xhrTransport()(`${origin}/echo`, init)).status, 200);
    },
  },
  {
    name:
      "xhr: a request that must not follow a redirect goes by fetch, and is not taken for one that tells",
    async run({ origin }) {
      const told: number[] = [];
      const init: TransportInit = {
        method: "POST",
        body: "hello",
        redirect: "error",
        onSent: (bytes) => void told.push(bytes),
      };
      const reply = await xhrTransport()(`${origin}/echo`, init);
      assertEquals([await reply.text(), told], ["hello", []]);
    },
  },
];

const anywhere: PortableCase[] = [
  {
    name: "xhr: a wrong option throws at the call",
    run() {
      const wrong: [unknown, new (...args: never[]) => Error, RegExp][] = [
        [null, TypeError, /expected options as an object/],
        [
          { credentials: true },
          TypeError,
          /"credentials" is not an option; there are maxReplyBytes/,
        ],
        [{ withCredentials: 1 }, TypeError, /withCredentials: expected a boolean, got number/],
        [{ pauseWhileOffline: "yes" }, TypeError, /pauseWhileOffline: expected a boolean/],
        [{ timeout: "5" }, TypeError, /timeout: expected a number/],
        [{ timeout: -1 }, RangeError, /timeout: expected a whole number of at least 0, got -1/],
        [{ maxReplyBytes: 0 }, RangeError, /maxReplyBytes: expected .* at least 1, got 0/],
        [{ maxReplyBytes: NaN }, RangeError, /maxReplyBytes/],
      ];
      for (const [options, kind, words] of wrong) {
        try {
          xhrTransport(options as object);
        } catch (error) {
          assert(error instanceof kind && words.test(error.message), `${error}`);
          continue;
        }
        assert(false, `${JSON.stringify(options)} was accepted`);
      }
      xhrTransport({ timeout: undefined, withCredentials: undefined });
    },
  },
  {
    name: "xhr: where there is no XMLHttpRequest, an upload ends at once and says what to do",
    async run({ origin }) {
      const own = Object.getOwnPropertyDescriptor(globalThis, "XMLHttpRequest");
      Reflect.deleteProperty(globalThis, "XMLHttpRequest");
      try {
        const sending = sendTo(origin, "xhr-none", "hello", { transport: xhrTransport() });
        const error = await assertRejects(sending, UploadError);
        assertEquals(error.code, "invalid_state");
        assert(/use fetch here/.test(error.message), error.message);
      } finally {
        if (own) Object.defineProperty(globalThis, "XMLHttpRequest", own);
      }
    },
  },
];

/** Every rule about the transport on XMLHttpRequest, but for those about a missing network. */
export const xhr: PortableCase[] = [
  ...inPages.map((rule): PortableCase => ({ needs: "XMLHttpRequest", ...rule })),
  ...anywhere,
  {
    name: "all rules of XMLHttpRequest hold in a worker of a page, too",
    needs: "XMLHttpRequest",
    async run(context) {
      const { passed, failures } = await runInWorker(context, "xhr: ");
      assertEquals(failures, []);
      assert(passed > inPages.length, `${passed} cases`);
    },
  },
];
