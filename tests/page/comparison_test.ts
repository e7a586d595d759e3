// What each client needed for a file is counted in front of the proxy, by both protocols, what was sent twice among it.

import { assertEquals, assertRejects } from "@std/assert";
import { createCounter } from "../../examples/page/comparison.ts";

const PLACE = "http://page.example/upload/storage/v1/b/b/o";

/** Sends a request through a counter to a server that gives this reply. */
async function send(
  counter: ReturnType<typeof createCounter>,
  method: string,
  url: string,
  headers: Record<string, string>,
  body: Uint8Array<ArrayBuffer> | null,
  reply: Response,
): Promise<void> {
  const request = new Request(url, { method, headers, body });
  await counter.count(request, async (passed) => {
    await passed.arrayBuffer();
    return reply;
  });
}

const started = (url: string) => new Response(null, { status: 201, headers: { location: url } });

Deno.test("a file by Google's protocol: its requests, its time, and the bytes that were sent twice", async () => {
  let now = 0;
  const counter = createCounter(() => now += 100);
  const url = `${PLACE}?upload_id=a`;
  await send(counter, "POST", PLACE, { "x-upload-content-length": "10" }, null, started(url));
  assertEquals(counter.comparison, {});
  const stored = new Response(null, { status: 308 });
  for (const bytes of [6, 6]) await send(counter, "PUT", url, {}, new Uint8Array(bytes), stored);
  await send(counter, "PUT", url, {}, new Uint8Array(4), new Response());
  assertEquals(counter.comparison, {
    own: { size: 10, milliseconds: 400, requests: 4, sent: 16 },
  });
});

Deno.test("a file by tus is Uppy's, and finished when the offset says so", async () => {
  const counter = createCounter(() => 0);
  const url = `${PLACE}?upload_id=b`;
  const tus = { "tus-resumable": "1.0.0" };
  await send(counter, "POST", PLACE, { ...tus, "upload-length": "10" }, null, started(url));
  const at = (offset: number) =>
    new Response(null, { status: 204, headers: { "upload-offset": `${offset}` } });
  await send(counter, "PATCH", url, tus, new Uint8Array(6), at(6));
  assertEquals(counter.comparison.uppy, undefined);
  await send(counter, "PATCH", url, tus, new Uint8Array(4), at(10));
  assertEquals(counter.comparison.uppy, { size: 10, milliseconds: 0, requests: 3, sent: 10 });
});

Deno.test("a request that breaks off is counted, one that is cancelled or refused is nobody's", async () => {
  const counter = createCounter(() => 0);
  const url = `${PLACE}?upload_id=c`;
  await send(counter, "POST", PLACE, { "x-upload-content-length": "2" }, null, started(url));
  const broken = new Request(url, { method: "PUT", body: new Uint8Array(2) });
  const breaks = async (request: Request) => {
    await request.arrayBuffer();
    throw new Error("broke");
  };
  await assertRejects(() => counter.count(broken, breaks), Error, "broke");
  await send(counter, "PUT", url, {}, new Uint8Array(2), new Response());
  assertEquals(counter.comparison.own?.sent, 4);
  const other = `${PLACE}?upload_id=d`;
  await send(counter, "POST", PLACE, { "x-upload-content-length": "1" }, null, started(other));
  await send(counter, "DELETE", other, {}, null, new Response(null, { status: 499 }));
  await send(counter, "PUT", other, {}, new Uint8Array(1), new Response());
  assertEquals(counter.comparison.own?.size, 2);
});
