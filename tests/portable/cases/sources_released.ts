// How a source is let go: exactly once, whatever ends the upload, and without waiting for its answer.

import {
  type ResumableUpload,
  UploadError,
  type UploadOptions,
  type UploadSource,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  failureOf,
  type Farewell,
  idle,
  NOTED,
  settled,
  slowStart,
  store,
  streamOptionsFor,
} from "./sources_support.ts";
import { assertStored, CHUNK, opened, pattern } from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 77);
const reason = new RangeError("enough");

/** What ends an upload, other than success. */
const ENDS: Readonly<
  Record<string, (gcs: GcsEmulator, source: UploadSource) => Promise<unknown>>
> = {
  "a refused start": (gcs, source) => {
    gcs.inject({ on: "initiate", status: 403 });
    return store(gcs, source);
  },
  "a refused chunk": (gcs, source) => {
    gcs.inject({ on: ["chunk", "final"], skip: 1, status: 403 });
    return store(gcs, source);
  },
  "a session that is gone": (gcs, source) => {
    gcs.inject({ on: ["chunk", "final"], skip: 1, expire: 410 });
    return store(gcs, source);
  },
  "damage on the way": (gcs, source) => {
    gcs.inject({ on: ["chunk", "final"], corrupt: true });
    return store(gcs, source);
  },
  "a failure that is not retried": (gcs, source) => {
    gcs.inject({ on: ["chunk", "final"], skip: 1, drop: "before" });
    return store(gcs, source, { retry: null });
  },
  "an abort before the call": (gcs, source) =>
    store(gcs, source, { signal: AbortSignal.abort(reason) }),
  "an abort before the start's reply": (gcs, source) => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 0);
    const never = slowStart(gcs.fetch, new Promise(() => {}));
    return store(gcs, source, { signal: abort.signal, transport: never });
  },
  "an abort during a chunk": (gcs, source) => {
    const abort = new AbortController();
    return store(gcs, source, {
      signal: abort.signal,
      transport: (input, init) => {
        if (init.method !== "PUT") return gcs.fetch(input, init);
        setTimeout(() => abort.abort(reason), 0);
        return new Promise(() => {});
      },
    });
  },
  "an onCheckpoint that throws": (gcs, source) =>
    store(gcs, source, {
      onCheckpoint({ persisted }) {
        if (persisted > 0) throw reason;
      },
    }),
  "a transport that gives up": (gcs, source) =>
    store(gcs, source, {
      transport: (input, init) => {
        if (init.method === "PUT") throw new UploadError("rejected", "there are no credentials");
        return gcs.fetch(input, init);
      },
    }),
  "arguments that do not fit": (gcs, source) =>
    store(gcs, source, {
      bucket: "portable",
      url: "https://storage.googleapis.com/x?uploadType=resumable",
    }),
  "a chunk size that does not fit": (gcs, source) => store(gcs, source, { chunkSize: 5 }),
  "the start URL of another protocol": (gcs, source) =>
    store(gcs, source, {
      url: "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=media&name=a",
    }),
};

const FAREWELLS: Readonly<Record<Farewell, string>> = {
  quietly: "",
  "with an error": ", and its error on the way out replaces none",
  never: ", and its answer is not waited for",
};

const ends: PortableCase[] = Object.entries(ENDS).flatMap(([end, run]) =>
  Object.entries(NOTED).map(([kind, make]): PortableCase => ({
    name: `${end} lets go of ${kind} exactly once`,
    async run() {
      const gcs = new GcsEmulator();
      const { source, log } = make({ bytes });
      const error = await failureOf(() => run(gcs, source), end);
      assert(error !== undefined, "the upload did not fail");
      await idle(5);
      assertEquals(log.released.length, 1, `how often it was let go after ${error}`);
      assertEquals(gcs.objects.length, 0, "the objects");
    },
  }))
);

/** The ends that an application meets most, with sources that behave badly when they are let go. */
const farewells: PortableCase[] = (["with an error", "never"] as const).flatMap((farewell) =>
  Object.entries(NOTED).flatMap(([kind, make]): PortableCase[] => [
    ...[
      "a refused start",
      "a refused chunk",
      "an abort during a chunk",
      "an onCheckpoint that throws",
    ]
      .map((end): PortableCase => ({
        name: `${end} ends the upload of ${kind}${FAREWELLS[farewell]}`,
        async run() {
          const gcs = new GcsEmulator();
          const { source, log } = make({ bytes, farewell });
          const error = await failureOf(() => ENDS[end](gcs, source), end);
          const expected = end.startsWith("a refused")
            ? error instanceof UploadError
            : error === reason;
          assert(expected, `rejected with ${error}`);
          await idle(5);
          assertEquals(log.released.length, 1, "how often it was let go");
        },
      })),
    {
      name: `success is success for ${kind}${FAREWELLS[farewell]}`,
      async run() {
        const gcs = new GcsEmulator();
        const { source } = make({ bytes, farewell });
        const object = await settled(store(gcs, source), "upload()");
        assertEquals(object.size, String(bytes.length));
        assertStored(gcs, bytes);
        await idle(5);
      },
    },
    {
      name: `close() and cancel() of an upload of ${kind} settle${FAREWELLS[farewell]}`,
      async run() {
        for (const end of ["close", "cancel"] as const) {
          const gcs = new GcsEmulator();
          const { source, log } = make({ bytes, farewell });
          const resumable = await opened(gcs.fetch, source);
          await resumable.transmitNextChunk(gcs.fetch);
          if (end === "close") await settled(resumable.close(reason), "close()");
          else await settled(resumable.cancel(gcs.fetch), "cancel()");
          await idle(5);
          assertEquals(log.released.length, 1, `how often ${end}() let go of it`);
        }
      },
    },
  ])
);

/** Calls that end an upload more than once. */
const TWICE: Readonly<Record<string, (u: ResumableUpload, gcs: GcsEmulator) => Promise<unknown>>> =
  {
    "close() twice": async (u) => {
      await u.close(reason);
      await u.close(reason);
    },
    "cancel() and close()": async (u, gcs) => {
      await u.cancel(gcs.fetch);
      await u.close(reason);
    },
    "a failure and close()": async (u, gcs) => {
      gcs.inject({ on: ["chunk", "final"], status: 403 });
      await failureOf(() => u.transmitNextChunk(gcs.fetch));
      await u.close(reason);
      await u.close(reason);
    },
    "two calls of close() at once": (u) => Promise.all([u.close(reason), u.close(reason)]),
  };

const twice: PortableCase[] = Object.entries(TWICE).flatMap(([what, end]) =>
  Object.entries(NOTED).map(([kind, make]): PortableCase => ({
    name: `${what} let go of ${kind} once`,
    async run() {
      const gcs = new GcsEmulator();
      const { source, log } = make({ bytes });
      const resumable = await opened(gcs.fetch, source);
      await resumable.transmitNextChunk(gcs.fetch);
      await settled(end(resumable, gcs), what);
      await idle(5);
      assertEquals(log.released.length, 1);
    },
  }))
);

/** How an upload of these bytes is made, with an onProgress. */
const WAYS: Readonly<
  Record<string, (gcs: GcsEmulator, options: Partial<UploadOptions>) => Promise<unknown>>
> = {
  "upload() by a session": (gcs, options) => store(gcs, new Blob([bytes]), options),
  "upload() of a stream": (gcs, options) => store(gcs, new Blob([bytes]).stream(), options),
  "upload() in one request": (gcs, options) =>
    store(gcs, bytes, { ...options, chunkSize: 8 * CHUNK, ifGenerationMatch: 0 }),
  "uploadStream()": async (gcs, { onProgress }) => {
    const { writable, result } = uploadStream(streamOptionsFor(gcs, { onProgress }));
    await new Blob([bytes]).stream().pipeTo(writable);
    return await result;
  },
  "transmitNextChunk()": async (gcs, { onProgress }) => {
    const resumable = await opened(gcs.fetch, bytes, { onProgress });
    while (!resumable.finished) await resumable.transmitNextChunk(gcs.fetch);
    return resumable.object;
  },
};

const progress: PortableCase[] = Object.entries(WAYS).map(([way, make]) => ({
  name: `${way}: an onProgress that throws at the last report does not undo a finished object`,
  async run() {
    const gcs = new GcsEmulator();
    let thrown = 0;
    const result = await settled(
      make(gcs, {
        onProgress({ persisted, total }) {
          if (persisted !== total) return;
          thrown++;
          throw new Error("a mistake in the program");
        },
      }),
      way,
    );
    assert(thrown > 0, "onProgress was never told of the end");
    assertEquals((result as { size?: string }).size, String(bytes.length));
    assertStored(gcs, bytes);
  },
}));

/** Letting go of a source. */
export const sourcesReleased: PortableCase[] = [
  ...ends,
  ...farewells,
  ...twice,
  ...progress,
  ...Object.entries(NOTED).map(([kind, make]): PortableCase => ({
    name: `success closes ${kind} once at most, a ByteSource exactly once`,
    async run() {
      const gcs = new GcsEmulator();
      const { source, log } = make({ bytes });
      await settled(store(gcs, source), "upload()");
      await idle(5);
      const closed = log.released.length;
      assert(kind.startsWith("a ByteSource") ? closed === 1 : closed <= 1, `${closed} times`);
      assertStored(gcs, bytes);
    },
  })),
  ...Object.entries(NOTED).map(([kind, make]): PortableCase => ({
    name: `a failure of ${kind} itself closes it once at most, a ByteSource exactly once`,
    async run() {
      const gcs = new GcsEmulator();
      const failure = new RangeError("the disk is gone");
      const { source, log } = make({
        bytes,
        before: (offset) => {
          if (offset > CHUNK) throw failure;
        },
      });
      const error = await failureOf(() => store(gcs, source), "upload()");
      assert(error === failure, `rejected with ${error}`);
      await idle(5);
      const closed = log.released.length;
      assert(kind.startsWith("a ByteSource") ? closed === 1 : closed <= 1, `${closed} times`);
      assertEquals(gcs.objects.length, 0);
    },
  })),
  {
    name: "a generator that waits for ever does not hold up an abort, whenever that comes",
    async run() {
      for (const firstWait of [0, CHUNK + 1, 3 * CHUNK]) {
        const gcs = new GcsEmulator();
        const abort = new AbortController();
        const source = (async function* () {
          if (firstWait > 0) yield pattern(firstWait);
          await new Promise(() => {});
        })();
        const done = store(gcs, source, { signal: abort.signal });
        const failed = failureOf(() => done, "upload()");
        await idle();
        abort.abort(reason);
        const error = await failed;
        assert(error === reason, `rejected with ${error}`);
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
];
