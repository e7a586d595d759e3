// While Google takes no more of a body, the proxy takes no more of it from the client than a few pieces.

import { assert } from "@std/assert";
import type { Transport } from "../../mod.ts";
import { createUploadProxy } from "../../src/worker.ts";
import { SESSION_SECRET, UPLOAD } from "./support.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A body has so many pieces of so many bytes, of which Google takes some. */
const PIECES = 100, PIECE = 65_536, TAKEN = 3;

/** How many pieces may be on their way: one that is read, one that is passed on, and one that was looked at before. */
const AHEAD = 3;

/** A body, and how many pieces of it were asked for. */
function body(before = "", after = ""): { stream: ReadableStream<Bytes>; asked: () => number } {
  let asked = 0;
  const text = (value: string) => new TextEncoder().encode(value);
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      if (asked === 0 && before !== "") controller.enqueue(text(before));
      if (asked === PIECES) {
        if (after !== "") controller.enqueue(text(after));
        controller.close();
      } else controller.enqueue(new Uint8Array(PIECE));
      asked++;
    },
  }, { highWaterMark: 0 });
  return { stream, asked: () => asked };
}

/** A proxy before a Google that opens sessions, and takes some pieces of a body and then no more. */
function stalling() {
  const stalled = Promise.withResolvers<void>();
  const transport: Transport = async (url, init) => {
    if (init.body === null || typeof init.body === "string") {
      const location = `${url}&upload_id=${"x".repeat(40)}`;
      const range = new Headers(init.headers).get("content-range");
      return range === "bytes */*"
        ? new Response(null, { status: 308 })
        : new Response(null, { headers: { location } });
    }
    const reader = (init.body as ReadableStream<Bytes>).getReader();
    let bytes = 0;
    while (bytes < TAKEN * PIECE) bytes += (await reader.read()).value!.length;
    stalled.resolve();
    return await new Promise((_resolve, reject) => {
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason));
    });
  };
  const proxy = createUploadProxy({
    transport,
    fetch: transport,
    bucket: "my-bucket",
    sessionSecrets: [SESSION_SECRET],
    authorize: () => ({ prefix: "" }),
  });
  return { proxy, stalled: stalled.promise };
}

const SIZE = PIECES * PIECE;

/** What is sent: where to, with which heads, and what stands around the pieces. */
interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly before?: string;
  readonly after?: string;
}

const START = `${UPLOAD}?uploadType=resumable&name=a`;

const google = (headers: Record<string, string>) => (session: string): Sent => ({
  method: "PUT",
  url: session,
  headers,
});
const media = (headers: Record<string, string>) => (): Sent => ({
  method: "POST",
  url: `${UPLOAD}?uploadType=media&name=a`,
  headers,
});
const BEFORE = "--b\r\n\r\n{}\r\n--b\r\ncontent-type: text/plain\r\n\r\n", AFTER = "\r\n--b--";
const TUS = { "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream" };

const kinds: Readonly<Record<string, (session: string) => Sent>> = {
  "a chunk with a length": google({
    "content-range": `bytes 0-${SIZE - 1}/*`,
    "content-length": `${SIZE}`,
  }),
  "a chunk without a length": google({ "content-range": `bytes 0-${SIZE - 1}/*` }),
  "the rest of an upload, without a range": google({}),
  "media with a length": media({ "content-length": `${SIZE}` }),
  "media without a length": media({}),
  multipart: () => ({
    method: "POST",
    url: `${UPLOAD}?uploadType=multipart&name=a`,
    headers: { "content-type": "multipart/related; boundary=b" },
    before: BEFORE,
    after: AFTER,
  }),
  "tus: whole multiples of what is kept": (url) => ({
    method: "PATCH",
    url,
    headers: { ...TUS, "upload-offset": "0", "content-length": `${SIZE}` },
  }),
};

for (const [kind, sent] of Object.entries(kinds)) {
  Deno.test(`a client is not asked for pieces that Google does not take: ${kind}`, async () => {
    const { proxy, stalled } = stalling();
    const started = await proxy.fetch(new Request(START, { method: "POST" }));
    const { before, after, ...request } = sent(started.headers.get("location")!);
    const { stream, asked } = body(before, after);
    const reply = proxy.fetch(
      new Request(request.url, {
        method: request.method,
        headers: request.headers,
        body: stream,
      }),
    );
    await Promise.race([
      stalled,
      reply.then(async (early) => {
        throw new Error(`${early.status}: ${await early.text()}`);
      }),
    ]);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
    assert(asked() >= TAKEN, "some were asked for");
    assert(asked() <= TAKEN + AHEAD, `${asked()} pieces were asked for, ${TAKEN} taken`);
  });
}
