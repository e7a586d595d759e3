// What every runtime has to find: streams as bodies, connections that break or fall silent, both protocols, parts, digests.

import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { assertEquals, assertRejects } from "../portable/assert.ts";
import type { PortableCase } from "../portable/case.ts";

/** 256 KiB. */
const U = 262_144;
const UPLOAD = "https://storage.googleapis.com/upload/storage/v1/b/bucket/o";

/** A stream of so many pieces of 64 KiB, which then ends or fails. */
function pieces(count: number, failure?: Error): ReadableStream<Uint8Array> {
  let given = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (given++ < count) controller.enqueue(new Uint8Array(65_536).fill(given));
      else if (failure) controller.error(failure);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

async function started(gcs: GcsEmulator): Promise<string> {
  const reply = await gcs.fetch(`${UPLOAD}?uploadType=resumable&name=n`, { method: "POST" });
  return reply.headers.get("location")!;
}

function put(
  gcs: GcsEmulator,
  session: string,
  range: string,
  body?: ReadableStream<Uint8Array>,
  more: RequestInit = {},
): Promise<Response> {
  const headers = { "content-range": range, "x-guploader-no-308": "yes" };
  const init = { method: "PUT", headers, body, duplex: "half", redirect: "manual", window: null };
  return gcs.fetch(session, { ...init, ...more } as RequestInit);
}

/** The `Range` that a status query tells. */
async function stored(gcs: GcsEmulator, session: string): Promise<string | null> {
  const reply = await put(gcs, session, "bytes */*");
  assertEquals(reply.headers.get("x-http-status-code-override"), "308");
  return reply.headers.get("range");
}

interface Hit {
  gcs: GcsEmulator;
  session: string;
  abort: AbortController;
  reply: Promise<Response>;
}

/** A session whose chunk of 16 pieces meets a fault. */
async function hit(fault: Fault, range = "bytes 0-1048575/*"): Promise<Hit> {
  const gcs = new GcsEmulator();
  const session = await started(gcs);
  gcs.inject({ on: ["chunk", "final"], ...fault } as Fault);
  const abort = new AbortController();
  const reply = put(gcs, session, range, pieces(16), { signal: abort.signal });
  return { gcs, session, abort, reply };
}

/** The cases. */
export const emulator: PortableCase[] = [
  {
    name: "emulator: a streamed body is stored, and the reply is a 200 that stands for a 308",
    async run() {
      const gcs = new GcsEmulator();
      const session = await started(gcs);
      const reply = await put(gcs, session, "bytes 0-524287/*", pieces(8));
      assertEquals(reply.status, 200);
      assertEquals(reply.headers.get("range"), "bytes=0-524287");
    },
  },
  {
    name: "emulator: a streamed body that fails leaves whole multiples of 256 KiB, and no object",
    async run() {
      const gcs = new GcsEmulator();
      const session = await started(gcs);
      const broken = pieces(7, new Error("the source failed"));
      await assertRejects(put(gcs, session, "bytes 0-*/*", broken), TypeError);
      assertEquals(await stored(gcs, session), `bytes=0-${U - 1}`);
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "emulator: redirect: error with a real 308 is a TypeError",
    async run() {
      const gcs = new GcsEmulator({ ignoreNo308: true });
      const session = await started(gcs);
      const refused = put(gcs, session, "bytes */*", undefined, { redirect: "error" });
      await assertRejects(refused, TypeError);
    },
  },
  {
    name: "emulator: a reply can come early, with what is stored by then",
    async run() {
      const { gcs, reply } = await hit({ early: U + 9 });
      assertEquals((await reply).headers.get("range"), `bytes=0-${U - 1}`);
      assertEquals(gcs.requests[1].bodyBytes, U + 9);
    },
  },
  {
    name: "emulator: a stalled request makes room for the next one on its session",
    async run() {
      const { gcs, session, reply } = await hit({ stall: U, delay: Infinity });
      const failed = assertRejects(reply, TypeError);
      while (gcs.sessions[0].persisted < U) await new Promise((done) => setTimeout(done, 1));
      assertEquals(await stored(gcs, session), `bytes=0-${U - 1}`);
      await failed;
    },
  },
  {
    name: "emulator: a request whose reply is swallowed ends with its abort",
    async run() {
      const { gcs, session, abort, reply } = await hit({ hang: "after" }, "bytes 0-*/*");
      const reason = reply.catch((error) => error);
      while (gcs.objects.length === 0) await new Promise((done) => setTimeout(done, 1));
      abort.abort("enough");
      assertEquals(await reason, "enough");
      assertEquals((await put(gcs, session, "bytes */*")).status, 200);
    },
  },
  {
    name: "emulator: a Gemini file by X-Goog-Upload has the SHA-256 of its bytes",
    async run() {
      const gcs = new GcsEmulator();
      const url = "https://generativelanguage.googleapis.com/upload/v1beta/files?key=k";
      const headers = { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" };
      const begun = await gcs.fetch(url, { method: "POST", headers });
      const reply = await gcs.fetch(begun.headers.get("x-goog-upload-url")!, {
        method: "POST",
        body: "123456789",
        headers: { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" },
      });
      assertEquals(reply.headers.get("x-goog-upload-status"), "final");
      assertEquals(
        atob((await reply.json()).file.sha256Hash),
        "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
      );
    },
  },
  {
    name: "emulator: streamed parts become one object, and a part that breaks is not kept",
    async run() {
      const gcs = new GcsEmulator();
      const url = "https://bucket.storage.googleapis.com/n";
      const begun = await (await gcs.fetch(`${url}?uploads`, { method: "POST" })).text();
      const id = /<UploadId>(.*)<\/UploadId>/.exec(begun)![1];
      const part = (number: number, body: ReadableStream<Uint8Array>) =>
        gcs.fetch(
          `${url}?partNumber=${number}&uploadId=${id}`,
          { method: "PUT", body, duplex: "half" } as RequestInit,
        );
      const tags = [];
      for (const reply of await Promise.all([part(1, pieces(80)), part(2, pieces(1))])) {
        tags.push(reply.headers.get("etag"));
      }
      await assertRejects(part(2, pieces(1, new Error("the source failed"))), TypeError);
      const parts = tags.map((tag, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`
      );
      const end = await gcs.fetch(`${url}?uploadId=${id}`, {
        method: "POST",
        body: `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
      });
      assertEquals(end.status, 200);
      const { size, crc32c, bytes } = gcs.get("bucket", "n")!;
      assertEquals([size, bytes![5_242_880], bytes![5_242_879]], [81 * 65_536, 1, 80]);
      assertEquals(end.headers.get("x-goog-hash"), `crc32c=${crc32c}`);
    },
  },
  {
    name: "emulator: objects are composed, and their checksum is that of all bytes",
    async run() {
      const gcs = new GcsEmulator();
      for (const body of ["12345", "6789"]) {
        await gcs.fetch(`${UPLOAD}?uploadType=media&name=${body}`, { method: "POST", body });
      }
      const objects = "https://storage.googleapis.com/storage/v1/b/bucket/o";
      const reply = await gcs.fetch(`${objects}/n/compose`, {
        method: "POST",
        body: JSON.stringify({
          sourceObjects: [{ name: "12345" }, { name: "6789" }],
          deleteSourceObjects: true,
        }),
      });
      assertEquals((await reply.json()).crc32c, "4waSgw==");
      assertEquals(gcs.objects.map(({ name }) => name), ["n"]);
    },
  },
];
