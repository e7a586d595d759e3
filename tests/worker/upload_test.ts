// A complete upload through the worker, as a client of Google's would do it.

import { assertEquals } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, rule, startSession, ticketFor, uploadThrough } from "./support/rules.ts";

endAfterAll();

const U = 262_144;
const MIB = 1_048_576;

rule("an upload is stored byte for byte, and Google gets lengths, never chunks", async (place) => {
  const bytes = pattern(3 * MIB + 5);
  await uploadThrough(place, bytes);
  assertStored(place, bytes);
  const [start, ...chunks] = place.upstream.requests;
  assertEquals(start.method, "POST");
  assertEquals(
    chunks.map(({ method, headers }) => [
      method,
      headers.get("content-length"),
      headers.get("transfer-encoding"),
      headers.get("content-range"),
    ]),
    [
      ["PUT", "1048576", null, "bytes 0-1048575/3145733"],
      ["PUT", "1048576", null, "bytes 1048576-2097151/3145733"],
      ["PUT", "1048576", null, "bytes 2097152-3145727/3145733"],
      ["PUT", "5", null, "bytes 3145728-3145732/3145733"],
    ],
  );
});

rule("an empty request of a session has the length 0, not none", async (place) => {
  const session = await startSession(place);
  const reply = await fetch(session, { method: "PUT", headers: { "content-range": "bytes */*" } });
  await reply.body?.cancel();
  assertEquals(reply.status, 308);
  const { headers } = place.upstream.requests[1];
  assertEquals([headers.get("content-length"), headers.get("transfer-encoding")], ["0", null]);
});

const open = [`bytes ${U}-*/${2 * U + 7}`, `bytes ${U}-*/*`, `bytes ${U}-${2 * U + 6}/*`];

for (const last of open) {
  rule(`a range with an open end or an unknown total passes: ${last}`, async (place) => {
    const bytes = pattern(2 * U + 7);
    const session = await startSession(place);
    const put = async (range: string, body: Uint8Array<ArrayBuffer>) => {
      const headers = { "content-range": range };
      const reply = await fetch(session, { method: "PUT", headers, body });
      await reply.body?.cancel();
      return [reply.status, reply.headers.get("range")];
    };
    assertEquals(await put(`bytes 0-${U - 1}/*`, bytes.subarray(0, U)), [308, `bytes=0-${U - 1}`]);
    const [status, range] = await put(last, bytes.subarray(U));
    if (status === 308) {
      assertEquals(range, `bytes=0-${2 * U - 1}`); // a chunk, of which whole quanta are kept
      assertEquals(await put(`bytes ${2 * U}-*/*`, bytes.subarray(2 * U)), [200, null]);
    }
    assertStored(place, bytes);
  });
}

rule("what one worker has begun another one goes on with", async (place) => {
  const bytes = pattern(2 * U);
  const session = await startSession(place);
  const put = async (url: string, from: number, to: number) => {
    const headers = { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` };
    const reply = await fetch(url, { method: "PUT", headers, body: bytes.subarray(from, to) });
    await reply.body?.cancel();
    return reply.status;
  };
  assertEquals(await put(session, 0, U), 308);
  await place.worker.stop();
  const other = await place.start();
  assertEquals(await put(session.replace(place.worker.origin, other.origin), U, 2 * U), 200);
  assertStored(place, bytes);
});

rule("one request is enough: media alone, or with metadata", async (place) => {
  const { worker, upstream, settings } = place;
  const ticket = await ticketFor(settings, { prefix: "", fields: ["metadata.a"] });
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o`;
  const authorization = `Bearer ${ticket}`;
  const media = await fetch(`${url}?uploadType=media&name=media`, {
    method: "POST",
    headers: { authorization, "content-type": "text/plain" },
    body: "hello",
  });
  assertEquals([media.status, (await media.json()).contentType], [200, "text/plain"]);
  const multipart = await fetch(`${url}?uploadType=multipart`, {
    method: "POST",
    headers: { authorization, "content-type": "multipart/related; boundary=b" },
    body: [
      "--b",
      "content-type: application/json",
      "",
      '{"name":"multipart","metadata":{"a":"b"}}',
      "--b",
      "content-type: text/html",
      "",
      "<p>",
      "--b--",
    ].join("\r\n"),
  });
  const object = await multipart.json();
  assertEquals([multipart.status, object.contentType, object.metadata], [200, "text/html", {
    a: "b",
  }]);
  const stored = ["media", "multipart"].map((name) =>
    new TextDecoder().decode(upstream.gcs.get("bucket", name)!.bytes!)
  );
  assertEquals(stored, ["hello", "<p>"]);
});

rule("a cancelled session answers 499, an unmodified object 304", async (place) => {
  const session = await startSession(place);
  const cancelled = await fetch(session, { method: "DELETE" });
  assertEquals([cancelled.status, await cancelled.text()], [499, ""]);
  const again = await startSession(place);
  place.upstream.gcs.inject({ on: "final", status: 304 });
  const reply = await fetch(again, { method: "PUT", body: "hello" });
  assertEquals([reply.status, await reply.text()], [304, ""]);
});

rule("a ticket that allows less is held to", async (place) => {
  const ticket = await ticketFor(place.settings, { prefix: "other/" });
  const error = await startSession({ ...place, ticket }).catch((error: Error) => error.message);
  assertEquals(/^The worker answered 403: .*"forbidden"/.test(String(error)), true, `${error}`);
  assertEquals(place.upstream.requests.length, 0);
});
