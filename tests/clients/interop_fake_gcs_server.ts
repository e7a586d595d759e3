// Our client against fake-gcs-server, where that server does as Google does: docs/interop.md says where it does not.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  upload,
  UploadError,
  uploadStream,
} from "../../mod.ts";
import { difference } from "../e2e/support.ts";
import { patterned, pieces } from "../support/bytes.ts";
import { goProgram, runProgram } from "../support/programs.ts";

const U = 262_144;
const DATA = patterned(5 * U + 1_234);

const installed = await goProgram(
  "fake-gcs-server",
  "github.com/fsouza/fake-gcs-server@v1.56.1",
);
const skip = "reason" in installed;
if (skip) console.log(`not run, for want of ${installed.reason}`);

/** Where it listens, as long as it is used. */
async function withServer(path: string, use: (origin: string) => Promise<void>): Promise<void> {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const host = `127.0.0.1:${port}`;
  const child = new Deno.Command(path, {
    args: ["-scheme=http", "-host=127.0.0.1", `-port=${port}`, "-backend=memory"].concat(
      [`-public-host=${host}`, `-external-url=http://${host}`, "-log-level=error"],
    ),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await createBucket(`http://${host}`);
    await use(`http://${host}`);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function createBucket(origin: string): Promise<void> {
  const late = Date.now() + 10_000;
  while (true) {
    try {
      const body = JSON.stringify({ name: "my-bucket" });
      const reply = await fetch(`${origin}/storage/v1/b?project=p`, { method: "POST", body });
      await reply.body?.cancel();
      if (reply.ok) return;
    } catch (error) {
      if (Date.now() > late) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An upload under a name; what is stored then. */
type Case = (name: string, origin: string) => Promise<Uint8Array | void>;

const target = (name: string, endpoint: string) => ({
  bucket: "my-bucket",
  name,
  endpoint,
  chunkSize: U,
  retry: null, // a status query ends the upload there
});
const insert = (origin: string, type: string, name: string) =>
  `${origin}/upload/storage/v1/b/my-bucket/o?uploadType=${type}&name=${name}`;

const CASES: Record<string, Case> = {
  async "a simple upload"(name, origin) {
    await new SimpleUpload(insert(origin, "media", name), { retry: null })
      .transmit(fetch, DATA, "text/plain");
    return DATA;
  },
  async "a multipart upload"(name, origin) {
    const options = { retry: null, checksum: "md5" } as const;
    await new MultipartUpload(insert(origin, "multipart", name), options)
      .transmit(fetch, DATA, { name, metadata: { a: "b" } }, "text/plain");
    return DATA;
  },
  async "a session in chunks"(name, origin) {
    const object = await upload(new Blob([DATA]), target(name, origin));
    assertEquals(object.size, String(DATA.length));
    return DATA;
  },
  async "a session in one request"(name, origin) {
    await upload(ReadableStream.from(pieces(DATA, 99_999)), {
      ...target(name, origin),
      chunkSize: 8 * U,
      totalBytes: DATA.length,
    });
    return DATA;
  },
  async "a stream of unknown size, of whole chunks"(name, origin) {
    const { writable, result } = uploadStream(target(name, origin));
    const whole = DATA.slice(0, 4 * U);
    await ReadableStream.from(pieces(whole, 77_777)).pipeTo(writable);
    await result;
    return whole;
  },
  async "nothing"(name, origin) {
    await upload("", target(name, origin));
    return new Uint8Array();
  },
  async "a precondition"(name, origin) {
    const once = { ...target(name, origin), ifGenerationMatch: 0 };
    await upload(DATA, once);
    const error = await assertRejects(() => upload("other", once), UploadError);
    assertEquals(error.code, "precondition_failed");
    return DATA;
  },
  async "a status query ends the upload there, and what is too short is never taken for whole"(
    name,
    origin,
  ) {
    let chunks = 0;
    const failing: Transport = (url, init) =>
      init.method === "PUT" && init.body && ++chunks === 3
        ? Promise.reject(new TypeError("broken"))
        : fetch(url, init);
    const options = { ...target(name, origin), transport: failing, retry: { initialDelay: 1 } };
    const error = await assertRejects(() => upload(DATA, options), UploadError);
    assertEquals(error.code, "data_corruption");
    return DATA.slice(0, 2 * U);
  },
  async "a session is cancelled"(name, origin) {
    const session = new ResumableUpload(insert(origin, "resumable", name), U, { retry: null });
    await session.initiate(fetch, DATA, { name }, "text/plain");
    await session.transmitNextChunk(fetch);
    assertEquals((await session.cancel(fetch)).status, 499);
  },
};

Deno.test({
  name: "our client uploads to fake-gcs-server",
  ignore: skip,
  async fn(test) {
    if ("reason" in installed) return;
    const about = await runProgram("go", ["version", "-m", installed.path]).catch(() => "");
    console.log("fake-gcs-server", about.match(/^\s+mod\s+\S+\s+(\S+)/m)?.[1] ?? "");
    await withServer(installed.path, async (origin) => {
      for (const [what, run] of Object.entries(CASES)) {
        await test.step(what, async () => {
          const name = what.replaceAll(/\W+/g, "-");
          const expected = await run(name, origin);
          const reply = await fetch(`${origin}/storage/v1/b/my-bucket/o/${name}?alt=media`);
          const stored = await reply.bytes();
          if (expected === undefined) return assertEquals(reply.status, 404);
          assert(reply.ok, `${reply.status}`);
          assertEquals(difference(stored, expected), -1, "the place of the first difference");
        });
      }
    });
  },
});
