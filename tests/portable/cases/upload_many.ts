// Many files over real connections: each arrives whole, once, and has one result; whatever breaks on the way.

import { uploadMany, type UploadManyResult } from "../../../src/parallel/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { assertStoredAt, injectAt, requestsAt } from "./stretch_support.ts";
import { BUCKET, pattern, streamOf } from "./upload_support.ts";

/** Bytes of many sizes, below names of their own. */
function filesOf(context: Context, rule: string, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    name: `many ${context.runtime} ${rule}/${i} ü.bin`,
    bytes: pattern([0, 1, 4_096, 65_537, 300_000][i % 5], i + 1),
  }));
}

/** The bytes as a source of the kind whose turn it is. */
function sourceOf(bytes: Uint8Array<ArrayBuffer>, i: number) {
  const kinds = [
    () => bytes,
    () => new Blob([bytes]),
    () => ({
      size: bytes.length,
      read: (offset: number, length: number) =>
        Promise.resolve(bytes.subarray(offset, offset + length)),
    }),
    () => streamOf(bytes, 30_000),
  ];
  return kinds[i % kinds.length]();
}

async function* itemsOf(files: ReturnType<typeof filesOf>) {
  for (const [i, { name, bytes }] of files.entries()) {
    await Promise.resolve();
    yield { name, source: () => Promise.resolve(sourceOf(bytes, i)) };
  }
}

async function assertArrived({ origin }: Context, files: ReturnType<typeof filesOf>) {
  for (const { name, bytes } of files) await assertStoredAt(origin, name, bytes);
}

/** Many files at once. */
export const manyUploads: PortableCase[] = [
  ...[{ skipExisting: true }, { repeatable: true }, {}].map((how): PortableCase => ({
    name: `many: files of all kinds arrive whole, with ${JSON.stringify(how)}`,
    async run(context) {
      const files = filesOf(context, Object.keys(how).join(), 40);
      const results: UploadManyResult[] = [];
      const summary = await uploadMany(itemsOf(files), {
        bucket: BUCKET,
        endpoint: context.origin,
        onResult: (result) => void results.push(result),
        ...how,
      });
      const bytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
      assertEquals(summary, { uploaded: 40, skipped: 0, failed: 0, bytes });
      assertEquals(new Set(results.map(({ name }) => name)).size, 40);
      await assertArrived(context, files);
    },
  })),
  {
    name: "many: a small file takes one request, and one that exists stays as it is",
    async run(context) {
      const files = filesOf(context, "twice", 10);
      const options = { bucket: BUCKET, endpoint: context.origin, skipExisting: true };
      await uploadMany(itemsOf(files), options);
      const others = files.map(({ name }) => ({ name, source: "another" }));
      const again = await uploadMany(others, options);
      assertEquals(again, { uploaded: 0, skipped: 10, failed: 0, bytes: 0 });
      await assertArrived(context, files);
      const log = await requestsAt(context.origin, files[1].name);
      assertEquals(log.map(({ kind }) => kind), ["multipart", "multipart"]);
    },
  },
  {
    name: "many: connections that break cost nothing but time, and failures their own files",
    async run(context) {
      const files = filesOf(context, "broken", 30);
      const broken = { name: `${files[0].name} broken`, source: () => Promise.reject(new Error()) };
      await injectAt(
        context.origin,
        { on: ["multipart", "final"], drop: "after", times: 4 },
        { on: ["multipart", "final"], cut: 1000, skip: 3, times: 3 },
        { on: ["multipart", "initiate"], status: 503, skip: 8, times: 3 },
      );
      const items = async function* () {
        yield broken;
        yield* itemsOf(files);
      };
      const summary = await uploadMany(items(), {
        bucket: BUCKET,
        endpoint: context.origin,
        repeatable: true,
        retry: { initialDelay: 1, maxDelay: 10 },
      });
      assertEquals([summary.uploaded, summary.failed], [30, 1]);
      await assertArrived(context, files);
    },
  },
  {
    name:
      "many: a run that is aborted ends with the reason, and the next one goes on from its manifest",
    async run(context) {
      const files = filesOf(context, "aborted", 30);
      const stop = new AbortController(), reason = new Error("enough");
      let text = "", heard = 0;
      const options = {
        bucket: BUCKET,
        endpoint: context.origin,
        repeatable: true,
        concurrency: 4,
      };
      const write = (line: string) => void (text += line);
      const first = uploadMany(itemsOf(files), {
        ...options,
        signal: stop.signal,
        manifest: { write },
        onResult: () => void (++heard === 10 && stop.abort(reason)),
      });
      assertEquals((await assertRejects(first, Error)).message, "enough");
      const { uploaded, failed } = first.summary;
      assert(uploaded >= 9 && uploaded + failed < 30, `${uploaded} uploaded, ${failed} failed`);
      const second = await uploadMany(itemsOf(files), {
        ...options,
        manifest: { previous: text, write },
      });
      assertEquals([second.uploaded, second.skipped], [30 - uploaded, uploaded]);
      await assertArrived(context, files);
    },
  },
];
