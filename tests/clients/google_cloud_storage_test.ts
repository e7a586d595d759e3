// @google-cloud/storage uploads through the proxy, set up as the documents show it.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../src/emulator/mod.ts";
import type { UploadGrant } from "../../src/worker.ts";
import { has } from "../support/programs.ts";
import { runProgram } from "../support/programs.ts";
import { type Link, sample, withProxy } from "./link.ts";

const SCRIPT = fileURLToPath(new URL("google_cloud_storage.mjs", import.meta.url));
const HERE = new URL("./", import.meta.url);

const ignore = !has("node");
if (ignore) console.log("tests/clients: @google-cloud/storage is left out: there is no `node`");

/** Installs what tests/clients/deno.json names, once. */
let installed: Promise<unknown> | undefined;
const install = () =>
  installed ??= runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: HERE });

/** An upload: what the client is told, and what goes wrong. */
interface Upload {
  readonly size: number;
  readonly isStream?: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  readonly grant?: UploadGrant;
  readonly fault?: Fault;
}

/** Runs the client and gives what it says, without line breaks at the end. */
async function run(link: Link, { size, isStream, options, grant, fault }: Upload): Promise<string> {
  await install();
  if (fault) link.gcs.inject(fault);
  const ticket = await link.ticket(grant);
  const job = { proxy: link.proxy, ticket, size, isStream, options };
  return (await runProgram("node", [SCRIPT, JSON.stringify(job)])).trim();
}

const CHUNK = 262_144;
// Without a precondition the client repeats no upload, since it does not know that the proxy never overwrites.
const once = { preconditionOpts: { ifGenerationMatch: 0 } };

const uploads: readonly [rule: string, upload: Upload, requests: string][] = [
  [
    "resumable, in one request",
    { size: 700_000, options: { resumable: true } },
    "initiate 200, final 200",
  ],
  [
    "resumable, in chunks",
    { size: 700_000, options: { resumable: true, chunkSize: CHUNK, validation: "crc32c" } },
    "initiate 200, chunk 308, chunk 308, final 200",
  ],
  [
    "resumable, in whole chunks",
    { size: 2 * CHUNK, options: { resumable: true, chunkSize: CHUNK, validation: "md5" } },
    "initiate 200, chunk 308, final 200",
  ],
  [
    "a stream of unknown length, in one request",
    { size: 700_000, isStream: true, options: { resumable: true } },
    "initiate 200, final 200",
  ],
  [
    "a stream of unknown length, in chunks",
    { size: 700_000, isStream: true, options: { resumable: true, chunkSize: CHUNK } },
    "initiate 200, chunk 308, chunk 308, final 200",
  ],
  ["nothing at all", { size: 0, options: { resumable: true } }, "initiate 200, final 200"],
  [
    "multipart, checked by CRC32C",
    { size: 700_000, options: { resumable: false, validation: "crc32c" } },
    "multipart 200",
  ],
  [
    "multipart, checked by MD5",
    { size: 700_000, options: { resumable: false, validation: "md5" } },
    "multipart 200",
  ],
  [
    "multipart, from a stream",
    { size: 700_000, isStream: true, options: { resumable: false } },
    "multipart 200",
  ],
  [
    "a connection that breaks in a chunk",
    {
      size: 700_000,
      options: { resumable: true, chunkSize: CHUNK, ...once },
      fault: { on: "chunk", skip: 1, cut: 100_000 },
    },
    "initiate 200, chunk 308, chunk null, status 308, chunk 308, final 200",
  ],
  [
    "the lost reply to a chunk",
    {
      size: 700_000,
      options: { resumable: true, chunkSize: CHUNK, ...once },
      fault: { on: "chunk", skip: 1, drop: "after" },
    },
    "initiate 200, chunk 308, chunk null, status 308, final 200",
  ],
  [
    "a start that finds Google busy",
    {
      size: 700_000,
      options: { resumable: true, chunkSize: CHUNK, ...once },
      fault: { on: "initiate", status: 503 },
    },
    "initiate 503, initiate 200, chunk 308, chunk 308, final 200",
  ],
];

for (const [rule, upload, requests] of uploads) {
  Deno.test({
    name: `@google-cloud/storage through the proxy: ${rule}`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertEquals(await run(link, upload), `${upload.size} image/png`);
        const { gcs } = link;
        assertEquals(
          gcs.requests.map(({ kind, status }) => `${kind} ${status}`).join(", "),
          requests,
        );
        const [object, ...others] = gcs.objects;
        assertEquals([object.name, others.length], ["uploads/a photo.png", 0]);
        assertEquals(object.bytes, sample(upload.size));
        assertEquals(object.metadata, { by: "me" });
      }),
  });
}

const refusals: readonly [rule: string, grant: UploadGrant, resumable: boolean, said: RegExp][] = [
  ["a ticket for another name", { name: "a" }, false, /^403: The ticket does not cover/],
  ["a ticket for another name", { name: "a" }, true, /\b403\b/],
  ["a ticket for fewer bytes", { prefix: "", maxBytes: 10 }, false, /^413: At most 10 bytes/],
  ["a ticket for fewer bytes", { prefix: "", maxBytes: 10 }, true, /\b413\b|At most 10 bytes/],
];

for (const [rule, grant, resumable, said] of refusals) {
  const kind = resumable ? "resumable" : "multipart";
  Deno.test({
    name: `@google-cloud/storage says why the proxy refuses it: ${rule}, ${kind}`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertMatch(await run(link, { size: 1000, options: { resumable }, grant }), said);
        assertEquals(link.gcs.objects.length, 0);
      }),
  });
}

/** What docs/clients.md warns of: with a newer client that can do it, the warning goes. */
const limits: readonly [rule: string, upload: Upload, said: RegExp, objects: number][] = [
  [
    "the lost reply to the last chunk is an error, though the object is there",
    {
      size: 700_000,
      options: { resumable: true, chunkSize: CHUNK, ...once },
      fault: { on: "final", drop: "after" },
    },
    /^RangeError: The offset is lower than the number of bytes written/,
    1,
  ],
  [
    "an empty object with chunkSize is a 400",
    { size: 0, options: { resumable: true, chunkSize: CHUNK } },
    /^400: .*bytes 0--1\/0/,
    0,
  ],
  [
    "an empty object with contentLength is a 400",
    { size: 0, options: { resumable: true, metadata: { contentLength: 0 } } },
    /^400: .*contentLength/,
    0,
  ],
  [
    "without a precondition nothing is repeated",
    {
      size: 700_000,
      options: { resumable: true, chunkSize: CHUNK },
      fault: { on: "chunk", status: 503 },
    },
    /^Error: Retry limit exceeded/,
    0,
  ],
];

for (const [rule, upload, said, objects] of limits) {
  Deno.test({
    name: `@google-cloud/storage cannot do everything: ${rule}`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        assertMatch(await run(link, upload), said);
        assertEquals(link.gcs.objects.length, objects);
      }),
  });
}

Deno.test("docs/clients.md shows how the tests set @google-cloud/storage up", async () => {
  const source = await Deno.readTextFile(SCRIPT);
  const [, shown] = source.split("// docs/clients.md shows what is between these two lines.\n");
  const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
  assert(shown.includes("new Storage("));
  assertStringIncludes(document, shown.trim());
});
