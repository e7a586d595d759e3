// Clients of tus upload through the proxy, and say why they are refused.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Fault } from "../../src/emulator/mod.ts";
import type { UploadGrant } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { type Link, sample, withProxy } from "./link.ts";
import {
  ignore,
  runTus,
  SCRIPT,
  type TusJob,
  type Version,
  VERSIONS,
  versions,
} from "./tus_client.ts";

const Q = 262_144;
const NAME = "uploads/a photo.png";

/** An upload, and what goes wrong. */
interface Upload extends TusJob {
  readonly rule: string;
  /** In which versions; the default is all of them. */
  readonly only?: readonly Version[];
  readonly grant?: UploadGrant;
  readonly faults?: readonly Fault[];
  /** The requests to Google with their statuses, where there is one order only. */
  readonly google?: string;
  readonly said?: string;
}

const at = async ({ proxy, ticket }: Link, grant?: UploadGrant) => ({
  proxy,
  bucket: "my-bucket",
  ticket: await ticket(grant),
});
const requestsOf = ({ gcs }: Link) =>
  gcs.requests.map(({ kind, status }) => `${kind} ${status}`).join(", ");

const uploads: readonly Upload[] = [
  { rule: "a buffer in one request", size: 700_000, google: "initiate 200, final 200" },
  {
    rule: "a file in one request",
    size: 700_000,
    source: "file",
    google: "initiate 200, final 200",
  },
  {
    rule: "a buffer in chunks of a quantum",
    size: 700_000,
    options: { chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "whole quanta",
    size: 2 * Q,
    options: { chunkSize: Q },
    google: "initiate 200, chunk 308, final 200",
  },
  {
    rule: "chunks that are no multiple of a quantum, of which the ends are sent again",
    size: 1_000_000,
    options: { chunkSize: 400_000 },
    google: "initiate 200, chunk 308, chunk 308, chunk 308, final 200",
  },
  {
    rule: "a Blob",
    only: ["v5"],
    size: 700_000,
    source: "blob",
    options: { chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "a web stream of unknown size",
    only: ["v5"],
    size: 700_000,
    source: "webStream",
    options: { uploadLengthDeferred: true, chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  { rule: "no bytes at all", size: 0, google: "initiate 200, finalize 200" },
  {
    rule: "bytes that come with the creation",
    size: 700_000,
    options: { uploadDataDuringCreation: true, chunkSize: 300_000 },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "all bytes with the creation",
    size: 700_000,
    options: { uploadDataDuringCreation: true },
    google: "initiate 200, final 200",
  },
  {
    rule: "a stream of known size",
    size: 700_000,
    source: "stream",
    options: { uploadSize: 700_000, chunkSize: 300_000 },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "a stream of unknown size",
    size: 700_000,
    source: "stream",
    options: { uploadLengthDeferred: true, chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "a stream of unknown size in chunks that are no multiple of a quantum",
    size: 1_000_000,
    source: "stream",
    options: { uploadLengthDeferred: true, chunkSize: 300_000 },
  },
  {
    rule: "a stream of unknown size with bytes at the creation",
    size: 700_000,
    source: "stream",
    options: { uploadLengthDeferred: true, uploadDataDuringCreation: true, chunkSize: Q },
  },
  {
    rule: "POST in the place of PATCH",
    size: 700_000,
    options: { overridePatchMethod: true, chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "aborted, and resumed by its URL",
    size: 4 * Q + 5,
    options: { chunkSize: Q },
    abortAfter: 2 * Q,
    then: "resume",
    said: "aborted, success",
  },
  {
    rule: "aborted, found again in the storage of URLs, and resumed",
    only: ["v4"], // 5.0.0-pre2 does not export its storage in Node
    size: 4 * Q + 5,
    source: "file",
    options: { chunkSize: Q },
    abortAfter: 2 * Q,
    then: "find",
    said: "aborted, success",
  },
  {
    rule: "Google is busy in the middle",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "chunk", skip: 1, status: 503 }, { on: "final", status: 500 }],
  },
  {
    rule: "Google's reply to a chunk is lost",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "chunk", skip: 1, drop: "after" }],
  },
  {
    rule: "Google's reply to the last bytes is lost",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "final", drop: "after" }],
  },
  {
    rule: "Google breaks off in the middle of the only request",
    size: 700_000,
    faults: [{ on: "final", cut: 400_000 }],
    google: "initiate 200, final null, status 308, final 200",
  },
  {
    rule: "Google limits the rate",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "chunk", status: 429 }, { on: "status", status: 429 }],
  },
];

const refusals: readonly [rule: string, job: TusJob, grant: UploadGrant, said: RegExp][] = [
  ["a small chunkSize", { size: 700_000, options: { chunkSize: 100_000 } }, {
    prefix: "uploads/",
  }, /400.*Expected at least 262144 bytes.*got 100000: set the client's chunkSize to a multiple/],
  ["parallelUploads", { size: 700_000, options: { parallelUploads: 2 } }, {
    prefix: "uploads/",
  }, /400.*leave out the client's parallelUploads/],
  ["a ticket for another name", { size: 5 }, {
    prefix: "",
    name: "b",
    contentTypes: ["text/plain"],
  }, /403.*media type/],
  [
    "a ticket for fewer bytes",
    { size: 11 },
    { prefix: "uploads/", maxBytes: 10 },
    /413.*At most 10/,
  ],
];

for (const version of versions) {
  const client = VERSIONS[version];
  for (const { rule, only, grant, faults = [], google, said = "success", ...job } of uploads) {
    if (only && !only.includes(version)) continue;
    Deno.test({
      name: `${client} through the proxy: ${rule}`,
      ignore,
      fn: () =>
        withProxy(async (link) => {
          for (const fault of faults) link.gcs.inject(fault);
          assertEquals(await runTus(version, await at(link, grant), job), said);
          if (google !== undefined) assertEquals(requestsOf(link), google);
          const [object, ...others] = link.gcs.objects;
          assertEquals([object.name, others.length], [NAME, 0]);
          assertEquals(difference(object.bytes!, sample(job.size)), -1);
          assertEquals(object.contentType, "image/png");
          assertEquals(object.metadata, { filename: "a photo.png", filetype: "image/png" });
          assert(link.log.some(({ event }) => event === "finish"));
        }),
    });
  }

  for (const [rule, job, grant, said] of refusals) {
    Deno.test({
      name: `${client} says why the proxy refuses it: ${rule}`,
      ignore,
      fn: () =>
        withProxy(async (link) => {
          const words = await runTus(version, await at(link, grant), job);
          assertMatch(words, said);
          assertEquals(link.gcs.objects.length, 0);
        }),
    });
  }

  Deno.test({
    name: `${client} terminates an upload, which is gone then`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        const job = {
          size: 4 * Q,
          options: { chunkSize: Q },
          abortAfter: Q,
          then: "terminate",
        } as const;
        const words = await runTus(version, await at(link), job);
        assertMatch(words, /^aborted, terminated, error: /);
        assertMatch(requestsOf(link), /cancel 499, status 499$/);
        assertEquals(link.gcs.objects.length, 0);
      }),
  });
}

Deno.test("docs/clients.md shows how the tests set tus-js-client up", async () => {
  const source = await Deno.readTextFile(SCRIPT);
  const [, shown] = source.split("// docs/clients.md shows what is between these two lines.\n");
  const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
  assert(shown.includes("const settings = {"));
  assertStringIncludes(document, shown.trim());
});
