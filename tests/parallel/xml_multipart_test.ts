// XML multipart uploads by hand: the container and its parts, as Python has them.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataCorruption, InvalidResponse, type Transport, UploadError } from "../../mod.ts";
import { XmlMultipartContainer, XmlMultipartPart } from "../../src/parallel/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { emulator, kinds, PART } from "./support.ts";

const URL_OF = "https://storage.googleapis.com/my-bucket/dir/a%20b";
const bytes = patterned(PART + 100);

const code = async (work: Promise<unknown>) => (await assertRejects(() => work, UploadError)).code;

Deno.test("parts are uploaded in any order, in other processes too, and finalized in that of their numbers", async () => {
  const gcs = emulator();
  const container = new XmlMultipartContainer(URL_OF, {
    metadata: { metadata: { owner: "Ada" } },
  });
  await container.initiate(gcs.fetch, "text/plain");
  const id = container.uploadId!;
  const second = new XmlMultipartPart(URL_OF, id, bytes, PART, bytes.length, 2);
  const first = new XmlMultipartPart(URL_OF, id, new Blob([bytes]), 0, PART, 1);
  await second.upload(gcs.fetch);
  const reply = await first.upload(gcs.fetch);
  assertEquals([reply.status, reply.headers.get("etag")], [200, first.etag]);
  assert(first.finished && !container.finished);

  const other = new XmlMultipartContainer(URL_OF, { uploadId: id });
  other.registerPart(2, second.etag!);
  other.registerPart(1, first.etag!);
  const finalized = await other.finalize(gcs.fetch);
  assert((await finalized.text()).includes("CompleteMultipartUploadResult"));
  assertEquals([other.finished, other.object?.crc32c !== undefined], [true, true]);
  const object = gcs.get("my-bucket", "dir/a b");
  assertEquals([object?.size, object?.contentType], [bytes.length, "text/plain"]);
  assertEquals(object?.metadata, { owner: "Ada" });
});

Deno.test("what is called at the wrong moment is invalid_state", async () => {
  const { fetch } = emulator();
  const container = new XmlMultipartContainer(URL_OF);
  assertEquals(await code(container.finalize(fetch)), "invalid_state");
  assertEquals(await code(container.cancel(fetch)), "invalid_state");
  await container.initiate(fetch, "text/plain");
  assertEquals(await code(container.initiate(fetch, "text/plain")), "invalid_state");
  assertEquals(await code(container.finalize(fetch)), "invalid_state", "without parts");
  const part = new XmlMultipartPart(URL_OF, container.uploadId!, "hello", 0, 5, 1);
  await part.upload(fetch);
  assertEquals(await code(part.upload(fetch)), "invalid_state");
  container.registerPart(1, part.etag!);
  await container.finalize(fetch);
  assertEquals(await code(container.finalize(fetch)), "invalid_state");
});

Deno.test("cancel removes the parts, and may come twice", async () => {
  const gcs = emulator();
  const container = new XmlMultipartContainer(URL_OF);
  await container.initiate(gcs.fetch, "text/plain");
  await new XmlMultipartPart(URL_OF, container.uploadId!, "hello", 0, 5, 1).upload(gcs.fetch);
  assertEquals((await container.cancel(gcs.fetch)).status, 204);
  assertEquals((await container.cancel(gcs.fetch)).status, 404);
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["aborted"]);
  const late = new XmlMultipartPart(URL_OF, container.uploadId!, "hello", 0, 5, 1);
  assertEquals(await code(late.upload(gcs.fetch)), "session_gone");
});

Deno.test("a part carries the checksum that is compared, of the kind that was asked for", async () => {
  const seen: (string | null)[] = [];
  const gcs = emulator({ md5: true });
  const transport: Transport = (url, init) => {
    seen.push(new Headers(init.headers).get("x-goog-hash"));
    return gcs.fetch(url, init);
  };
  const container = new XmlMultipartContainer(URL_OF);
  await container.initiate(gcs.fetch, "text/plain");
  for (const checksum of ["auto", "md5", null] as const) {
    const part = new XmlMultipartPart(URL_OF, container.uploadId!, "hello", 0, 5, 1, { checksum });
    await part.upload(transport);
  }
  assertEquals(seen, [
    "crc32c=mnG7TA==",
    "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==",
    null,
  ]);
});

Deno.test("a part whose reply tells another checksum is sent three times in all, and then an error; so is one without what is required", async () => {
  let sent = 0;
  const reply = (hash: string): Transport => () => {
    sent++;
    return Promise.resolve(new Response(null, { headers: { etag: '"a"', "x-goog-hash": hash } }));
  };
  const retry = { clock: fakeClock() };
  const part = (checksum: "auto" | "crc32c" | "md5") =>
    new XmlMultipartPart(URL_OF, "id", "hello", 0, 5, 1, { checksum, retry });
  await assertRejects(() => part("auto").upload(reply("crc32c=AAAAAA==")), DataCorruption);
  assertEquals(sent, 3);
  await assertRejects(() => part("md5").upload(reply("crc32c=mnG7TA==")), InvalidResponse, "md5");
  await assertRejects(() => part("crc32c").upload(reply("")), InvalidResponse, "crc32c");
  await part("auto").upload(reply(""));
});

Deno.test("a lost reply to finalize is settled where the parts' facts are registered", async () => {
  for (const knows of [true, false]) {
    const gcs = emulator();
    const container = new XmlMultipartContainer(URL_OF, { retry: { clock: fakeClock() } });
    await container.initiate(gcs.fetch, "text/plain");
    const part = new XmlMultipartPart(URL_OF, container.uploadId!, "hello", 0, 5, 1);
    await part.upload(gcs.fetch);
    container.registerPart(1, part.etag!, knows ? part : undefined);
    gcs.inject({ on: "complete", drop: "after" });
    if (knows) {
      await container.finalize(gcs.fetch);
      assertEquals(kinds(gcs).slice(-3), ["complete", "list parts", "get"]);
      assertEquals(container.object?.size, "5");
    } else {
      assertEquals(await code(container.finalize(gcs.fetch)), "session_gone");
    }
  }
});

Deno.test("wrong arguments throw at the call", () => {
  const url = `${URL_OF}?uploads`;
  assertThrows(() => new XmlMultipartContainer(url), TypeError, "without a query");
  assertThrows(() => new XmlMultipartContainer("a"), TypeError, "uploadUrl");
  // @ts-expect-error no such option
  assertThrows(() => new XmlMultipartContainer(URL_OF, { chunk: 1 }), TypeError, "chunk");
  const container = new XmlMultipartContainer(URL_OF);
  for (const number of [0, 10_001, 1.5, NaN]) {
    assertThrows(() => container.registerPart(number, "a"), RangeError, "partNumber");
    assertThrows(
      () => new XmlMultipartPart(URL_OF, "id", "hello", 0, 5, number),
      RangeError,
      "partNumber",
    );
  }
  assertThrows(() => container.registerPart(1, ""), TypeError, "etag");
  assertThrows(() => new XmlMultipartPart(URL_OF, "", "hello", 0, 5, 1), TypeError, "uploadId");
  for (const [start, end] of [[3, 2], [-1, 2], [0, 6], [0.5, 1]]) {
    assertThrows(
      () => new XmlMultipartPart(URL_OF, "id", "hello", start, end, 1),
      RangeError,
      "range",
    );
  }
  assertThrows(
    () => new XmlMultipartContainer(URL_OF, { metadata: { temporaryHold: true } }),
    TypeError,
    "temporaryHold",
  );
});
