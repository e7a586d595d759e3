// tus-js-client in Node, in the versions of the IETF's resumable uploads that it speaks, through the proxy.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Fault } from "../../src/emulator/mod.ts";
import { difference } from "../e2e/support.ts";
import { type Link, sample, withProxy } from "./link.ts";
import { ignore, runTus, type TusJob, VERSIONS, versions } from "./tus_client.ts";

const Q = 262_144;
const NAME = "uploads/a photo.png";

/** An upload, and what goes wrong. */
interface Upload extends TusJob {
  readonly rule: string;
  readonly faults?: readonly Fault[];
  /** The requests to Google with their statuses. */
  readonly google?: string;
  readonly said?: string;
  /** Whether it is tried with each version and protocol, and not with one. */
  readonly isCommon?: boolean;
}

const at = async ({ proxy, ticket }: Link) => ({
  proxy,
  bucket: "my-bucket",
  ticket: await ticket(),
});
const requestsOf = ({ gcs }: Link) =>
  gcs.requests.map(({ kind, status }) => `${kind} ${status}`).join(", ");

const uploads: readonly Upload[] = [
  { rule: "a buffer in one request", size: 700_000, google: "initiate 200, final 200" },
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
    rule: "chunks that are no multiple of a quantum: it asks after each of them where to go on",
    isCommon: true,
    size: 1_000_000,
    options: { chunkSize: 400_000 },
  },
  { rule: "no bytes at all", isCommon: true, size: 0, google: "initiate 200, finalize 200" },
  {
    rule: "all bytes with the creation",
    size: 700_000,
    options: { uploadDataDuringCreation: true },
    google: "initiate 200, final 200",
  },
  {
    rule: "the first bytes with the creation",
    size: 700_000,
    options: { uploadDataDuringCreation: true, chunkSize: 300_000 },
  },
  {
    rule: "a stream of known size",
    size: 3 * Q,
    source: "stream",
    options: { uploadSize: 3 * Q, chunkSize: Q },
    google: "initiate 200, chunk 308, chunk 308, final 200",
  },
  {
    rule: "a stream of unknown size",
    size: 700_000,
    source: "stream",
    options: { uploadLengthDeferred: true, chunkSize: Q },
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
    rule: "Google is busy in the middle",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "chunk", skip: 1, status: 503 }, { on: "final", status: 500 }],
  },
  {
    rule: "Google's reply to the last bytes is lost",
    size: 700_000,
    options: { chunkSize: Q },
    faults: [{ on: "final", drop: "after" }],
  },
  {
    rule: "Google's reply to the only request is lost",
    size: 700_000,
    options: { uploadDataDuringCreation: true },
    faults: [{ on: "final", drop: "after" }],
  },
];

for (const version of versions) {
  for (const protocol of ["ietf-draft-03", "ietf-draft-05"]) {
    const client = `${VERSIONS[version]} as ${protocol}`;
    const isFirst = version === "v4" && protocol === "ietf-draft-05";
    const chosen = uploads.filter(({ isCommon }) => isFirst || isCommon);
    for (const { rule, faults = [], google, said = "success", isCommon: _, ...job } of chosen) {
      Deno.test({
        name: `${client} through the proxy: ${rule}`,
        ignore,
        fn: () =>
          withProxy(async (link) => {
            for (const fault of faults) link.gcs.inject(fault);
            const options = { ...job.options, protocol };
            assertEquals(await runTus(version, await at(link), { ...job, options }), said);
            if (google !== undefined) assertEquals(requestsOf(link), google);
            const [object, ...others] = link.gcs.objects;
            assert(object, "there is no object");
            assertEquals([object.name, others.length], [NAME, 0]);
            assertEquals(difference(object.bytes!, sample(job.size)), -1);
            assertEquals(object.contentType, "image/png");
            assert(link.log.some(({ event }) => event === "finish"));
          }),
      });
    }

    if (!isFirst) continue;
    Deno.test({
      name: `${client} says why the proxy refuses a small chunkSize`,
      ignore,
      fn: () =>
        withProxy(async (link) => {
          const job = { size: 700_000, options: { chunkSize: 100_000, protocol } };
          assertMatch(
            await runTus(version, await at(link), job),
            /400.*Expected at least 262144 bytes.*got 100000: set the client's chunkSize to a multiple/,
          );
          assertEquals(link.gcs.objects.length, 0);
        }),
    });

    Deno.test({
      name: `${client} terminates an upload, which is gone then`,
      ignore,
      fn: () =>
        withProxy(async (link) => {
          const job = {
            size: 4 * Q,
            options: { chunkSize: Q, protocol },
            abortAfter: Q,
            then: "terminate",
          } as const;
          assertMatch(await runTus(version, await at(link), job), /^aborted, terminated, error: /);
          assertMatch(requestsOf(link), /cancel 499, status 499$/);
          assertEquals(link.gcs.objects.length, 0);
        }),
    });
  }
}
