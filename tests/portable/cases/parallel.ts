// Parallel uploads with the runtime's own fetch, against an emulated Google on real connections.

import type { Transport, UploadSource } from "../../../mod.ts";
import type { Fault, RequestRecord } from "../../../src/emulator/mod.ts";
import {
  cancelParallelUpload,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadParallel,
  XmlMultipartContainer,
  XmlMultipartPart,
} from "../../../src/parallel/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { assertBytes, BUCKET, pattern, streamOf } from "./upload_support.ts";

const PART = 5 * 1024 * 1024;
const bytes = pattern(PART + 54_321);

/** One part, which may be as short as it likes. */
const few = bytes.subarray(0, 700_000);
const inOnePart = { via: "multipart" } as const;

/** A name of its own for each case and runtime. */
const nameOf = ({ runtime }: Context, what: string) => `${runtime}/parallel ${what}`;

const optionsFor = (
  context: Context,
  what: string,
  more: Partial<ParallelOptions> = {},
): ParallelOptions => ({
  bucket: BUCKET,
  name: nameOf(context, what),
  endpoint: context.origin,
  partSize: PART,
  retry: { initialDelay: 1 },
  ...more,
} as ParallelOptions);

/** The bytes of an object, as the server has them. */
async function stored(context: Context, what: string): Promise<Uint8Array> {
  const name = encodeURIComponent(nameOf(context, what));
  const response = await fetch(
    `${context.origin}/storage/v1/b/${BUCKET}/o/${name}?alt=media`,
  );
  assertEquals(response.status, 200, `the status of ${what}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function inject({ origin }: Context, ...faults: Fault[]): Promise<void> {
  const init = { method: "POST", body: JSON.stringify(faults) };
  assertEquals((await fetch(`${origin}/inject`, init)).status, 204, "the status of /inject");
}

/** The requests about the object of that name, without those that browsers add. */
async function kinds(context: Context, what: string): Promise<string[]> {
  const all: RequestRecord[] = await (await fetch(`${context.origin}/requests`)).json();
  const name = nameOf(context, what).replaceAll(" ", "%20");
  const isAbout = ({ url }: RequestRecord) => url.replaceAll("%2F", "/").includes(name);
  return all.filter((record) => record.kind !== "other" && isAbout(record)).map(({ kind }) => kind);
}

async function assertSays(work: Promise<unknown>, words: string): Promise<void> {
  const error = await assertRejects(work, Error);
  assert(error.message.includes(words), `expected ${words}, got ${error.message}`);
}

async function check(
  context: Context,
  what: string,
  source: UploadSource,
  more: Partial<ParallelOptions> = {},
  expected = bytes,
): Promise<void> {
  const object = await uploadParallel(source, optionsFor(context, what, more));
  assertEquals(object.size, String(expected.length), "the size");
  assertBytes(await stored(context, what), expected, what);
}

/** Parallel uploads over real connections. */
export const parallel: PortableCase[] = [
  {
    name: "parallel: bytes arrive in parts, in one request each",
    async run(context) {
      await check(context, "bytes", bytes);
      const sent = await kinds(context, "bytes");
      assertEquals(sent, ["initiate", "part", "part", "complete", "get"]);
    },
  },
  {
    name: "parallel: a Blob, a stream and { size, read } arrive whole",
    async run(context) {
      const more = { via: "compose", partSize: 262_144 } as const;
      await check(context, "blob", new Blob([few]), more, few);
      await check(context, "stream", streamOf(few, 200_001), more, few);
      const read = (offset: number, length: number) =>
        Promise.resolve(few.subarray(offset, offset + Math.min(length, 100_001)));
      await check(context, "read", { size: few.length, read }, more, few);
    },
  },
  {
    name: "parallel: parts of more than 8 MiB are read while they are sent",
    async run(context) {
      const long = new Uint8Array(2 * bytes.length);
      for (const at of [0, bytes.length]) long.set(bytes, at);
      const more = { via: "compose", partSize: long.length - 1_000 } as const;
      await check(context, "streamed", new Blob([long]), more, long);
      let most = 0;
      const read = (offset: number, length: number) => {
        most = Math.max(most, length);
        return Promise.resolve(long.subarray(offset, offset + length));
      };
      await check(context, "read on", { size: long.length, read }, more, long);
      assert(most < 2 ** 23 || context.runtime === "chromium", `${most} bytes at once`);
    },
  },
  {
    name: "parallel: no more parts than `concurrency` are on their way at the same time",
    async run(context) {
      let [now, most] = [0, 0];
      const transport: Transport = async (url, init) => {
        if (!url.includes("uploadType")) return await fetch(url, init);
        most = Math.max(most, ++now);
        try {
          return await fetch(url, init);
        } finally {
          now--;
        }
      };
      const more = { via: "compose", partSize: 262_144, concurrency: 2, transport } as const;
      await check(context, "two", new Blob([few]), more, few);
      assertEquals(most, 2, "the most parts at once");
    },
  },
  {
    name: "parallel: broken connections, a 503 and a damaged part are survived",
    async run(context) {
      await inject(
        context,
        { on: "part", drop: "before" },
        { on: "part", cut: 300_000 },
        { on: "part", corrupt: true },
        { on: "part", status: 503 },
        { on: "part", drop: "after" },
      );
      await check(context, "broken", new Blob([few]), inOnePart, few);
    },
  },
  {
    name: "parallel: a completion whose reply is lost is settled by looking at the object",
    async run(context) {
      await inject(context, { on: "complete", drop: "after" });
      await check(context, "lost", few, inOnePart, few);
    },
  },
  {
    name: "parallel: an upload that was stopped goes on from its checkpoint",
    async run(context) {
      let saved: ParallelCheckpoint | undefined;
      const stop = new AbortController();
      const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
        saved = JSON.parse(JSON.stringify(checkpoint));
        if (checkpoint.parts.length === 1) stop.abort(new Error("stopped"));
      };
      const { signal } = stop;
      const options = optionsFor(context, "resumed", { concurrency: 1, onCheckpoint, signal });
      await assertSays(uploadParallel(bytes, options), "stopped");
      await check(context, "resumed", streamOf(bytes, 1_000_000), { checkpoint: saved });
      const sent = await kinds(context, "resumed");
      assertEquals(sent, ["initiate", "part", "list parts", "part", "complete", "get"]);
    },
  },
  {
    name: "parallel: an upload that is stopped leaves nothing behind",
    async run(context) {
      const stop = new AbortController();
      const options = optionsFor(context, "stopped", {
        signal: stop.signal,
        ...inOnePart,
        onProgress: ({ persisted }) => persisted > 0 && stop.abort(new Error("stopped")),
      });
      await assertSays(uploadParallel(new Blob([few]), options), "stopped");
      const url = `${context.origin}/${BUCKET}?uploads`;
      const listing = await (await fetch(url)).text();
      assert(!listing.includes("parallel stopped"), "the upload is still there");
    },
  },
  {
    name: "parallel: with a precondition parts are composed, and the temporary objects are gone",
    async run(context) {
      const more: Partial<ParallelOptions> = { ifGenerationMatch: 0, partSize: 262_144 };
      await check(context, "composed", new Blob([few]), more, few);
      const again = optionsFor(context, "composed", more);
      await assertSays(uploadParallel(new Blob([few]), again), "412");
      const url = `${context.origin}/storage/v1/b/${BUCKET}/o?prefix=resumable-media-tmp`;
      assertEquals((await (await fetch(url)).json()).items ?? [], [], "the temporary objects");
    },
  },
  {
    name: "parallel: what a checkpoint speaks of can be removed",
    async run(context) {
      for (const via of ["multipart", "compose"] as const) {
        let saved: ParallelCheckpoint | undefined;
        const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
          saved = checkpoint;
          if (checkpoint.parts.length > 0) throw new Error("no more");
        };
        const options = optionsFor(context, `removed ${via}`, { via, onCheckpoint });
        await assertSays(uploadParallel(few, options), "no more");
        await cancelParallelUpload(saved!);
        await cancelParallelUpload(saved!); // once more is no error
      }
      const url = `${context.origin}/${BUCKET}?uploads`;
      assert(!(await (await fetch(url)).text()).includes("removed"), "the upload is still there");
    },
  },
  {
    name: "parallel: a container and its parts make the object by hand",
    async run(context) {
      const name = encodeURIComponent(nameOf(context, "by hand"));
      const url = `${context.origin}/${BUCKET}/${name}`;
      const container = new XmlMultipartContainer(url);
      await container.initiate(fetch, "text/plain");
      const id = container.uploadId!;
      const parts = [
        new XmlMultipartPart(url, id, bytes, 0, PART, 1),
        new XmlMultipartPart(url, id, bytes, PART, bytes.length, 2, { checksum: "crc32c" }),
      ];
      await Promise.all(parts.map((part) => part.upload(fetch)));
      for (const part of parts) container.registerPart(part.partNumber, part.etag!, part);
      await container.finalize(fetch);
      assertEquals(container.finished, true, "finished");
      assertBytes(await stored(context, "by hand"), bytes, "by hand");
    },
  },
];
