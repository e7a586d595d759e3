// Firebase's client for Storage through the proxy, from its own package and unchanged: its protocol is X-Goog-Upload, below a
// path of its own.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../src/emulator/mod.ts";
import { difference } from "../e2e/support.ts";
import { has, type Installed, runProgram } from "../support/programs.ts";
import { type Link, sample, withProxy } from "./link.ts";

const Q = 262_144;
const FOLDER = new URL("firebase/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("upload.mjs", FOLDER));
const NAME = "uploads/a photo.png";

/** Installs what firebase/deno.json names. */
async function install(): Promise<Installed> {
  if (!has("node")) return { reason: "node" };
  try {
    await runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: FOLDER });
    return { path: SCRIPT };
  } catch (error) {
    return { reason: `@firebase/storage: ${error}` };
  }
}

const installed = await install();
const ignore = "reason" in installed;
if ("reason" in installed) console.log(`not run, for want of ${installed.reason}`);

/** Uploads; what the client says. */
async function run(link: Link, size: number, more: Record<string, unknown> = {}): Promise<string> {
  const ticket = await link.ticket();
  const job = { origin: link.proxy, ticket, name: NAME, size, ...more };
  return (await runProgram("node", [SCRIPT, JSON.stringify(job)])).trim();
}

function assertStored({ gcs }: Link, size: number): void {
  const [object, ...others] = gcs.objects;
  assertEquals([object.name, object.contentType, others.length], [NAME, "image/png", 0]);
  assertEquals(difference(object.bytes!, sample(size)), -1);
}

// Up to a quantum it sends all in one request; after that its chunks begin with one quantum and grow.
for (const size of [0, 5, Q, Q + 1, 12 * Q + 5]) {
  Deno.test({
    name: `@firebase/storage: a file of ${size} bytes is stored, and its client says so`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertEquals(await run(link, size), `success: ${NAME}, ${size} of ${size} bytes`);
        assertStored(link, size);
      }),
  });
}

const passing: readonly [what: string, faults: Fault[]][] = [
  ["Google is busy with a chunk", [{ on: "chunk", status: 503 }]],
  ["Google is busy at the end", [{ on: "final", status: 503 }]],
  ["Google's reply to a chunk is lost", [{ on: "chunk", drop: "after" }]],
  ["Google keeps a part of a chunk", [{ on: "chunk", skip: 1, early: Q }]],
  ["Google's reply to the last bytes is lost", [{ on: "final", drop: "after" }]],
];
for (const [what, faults] of passing) {
  Deno.test({
    name: `@firebase/storage goes on when ${what}`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        link.gcs.inject(...faults);
        const size = 12 * Q + 5;
        assertEquals(await run(link, size), `success: ${NAME}, ${size} of ${size} bytes`);
        assertStored(link, size);
      }),
  });
}

Deno.test({
  name:
    "@firebase/storage reports an error where it has to ask whether the upload is finished: it reads the object then",
  ignore,
  fn: () => {
    let calls = 0;
    const onFinish = () => {
      if (calls++ === 0) throw new Error("not yet");
    };
    return withProxy(async (link) => {
      assertMatch(await run(link, 2 * Q), /^storage\/object-not-found/);
      assertStored(link, 2 * Q);
    }, { onFinish });
  },
});

Deno.test({
  name:
    "@firebase/storage is told what its ticket does not allow, and takes custom metadata along where it does",
  ignore,
  fn: () =>
    withProxy(async (link) => {
      const elsewhere = await run(link, 5, { name: "elsewhere/a" });
      const nobody = await run(link, 5, { ticket: "nobody" });
      assertEquals([elsewhere, nobody], [
        "storage/unauthorized: 403",
        "storage/unauthenticated: 401",
      ]);
      assertEquals(link.gcs.objects.length, 0);
      assertMatch(await run(link, 5, { customMetadata: { by: "me" } }), /^success/);
      assertEquals(link.gcs.objects[0].metadata, { by: "me" });
    }),
});

Deno.test({
  name: "@firebase/storage pauses and goes on in its session",
  ignore,
  fn: () =>
    withProxy(async (link) => {
      const size = 12 * Q + 5;
      assertEquals(
        await run(link, size, { way: "pause" }),
        `success: ${NAME}, ${size} of ${size} bytes`,
      );
      assertStored(link, size);
      assertEquals(link.gcs.sessions.length, 1);
    }),
});

for (const way of ["uploadBytes", "uploadString"]) {
  Deno.test({
    name: `@firebase/storage uploads by ${way}() as well`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertEquals(await run(link, 5, { way }), "success");
        const object = link.gcs.get("my-bucket", `${NAME} by ${way}`);
        assertEquals([object?.size, object?.contentType], [5, "image/png"]);
      }),
  });
}

const rest: Readonly<Record<string, RegExp>> = {
  getDownloadURL: /^storage\/object-not-found/,
  getMetadata: /^storage\/object-not-found/,
  deleteObject: /^storage\/object-not-found/,
  list: /^storage\/unknown: 405/, // its address is that of uploads
};
for (const [way, said] of Object.entries(rest)) {
  Deno.test({
    name: `@firebase/storage finds nothing by ${way}(): only uploads are there`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertMatch(await run(link, 5, { way }), said);
        assertStored(link, 5);
      }),
  });
}

Deno.test("docs/clients.md shows how Firebase's client is set up", async () => {
  const [, shown] = (await Deno.readTextFile(SCRIPT)).split(/\/\/ docs\/clients\.md shows .*\n/);
  const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
  assert(shown.length > 0);
  assertStringIncludes(document, shown.trim());
});
