// `upload()`: which way an upload takes, which targets and options it takes, and what it refuses.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type Checkpoint,
  createUploadSession,
  upload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadOptions,
  type UploadProgress,
  type UploadSettings,
  type UploadSource,
  uploadStream,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { defaultStream, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { finished, scripted } from "../support/scripted.ts";

const U = UPLOAD_CHUNK_SIZE, MiB = 1024 * 1024;
const place = { bucket: "my-bucket", name: "a" };

/** Options that may leave out where to, or say it in another way. */
type SomeOptions = UploadSettings & Partial<Record<"bucket" | "name" | "url", string | undefined>>;

/** The kinds of the requests that an upload takes. */
async function kindsOf(source: UploadSource, options: SomeOptions = {}): Promise<string[]> {
  const emulator = new GcsEmulator();
  await upload(source, { ...place, transport: emulator.fetch, ...options } as UploadOptions);
  return emulator.requests.map(({ kind }) => kind);
}

for (
  const [rule, source, options, kinds] of [
    ["a few bytes: a session stores them once, whatever fails", "x", {}, ["initiate", "final"]],
    ["nothing", "", {}, ["initiate", "finalize"]],
    ["nothing that may be repeated", "", { ifGenerationMatch: 0 }, ["multipart"]],
    ["a few bytes that may be repeated", "x", { ifGenerationMatch: 0 }, ["multipart"]],
    ["a few bytes without retrying", "x", { retry: null }, ["multipart"]],
    ["a few bytes without metadata and checksum", "x", { retry: null, checksum: null }, ["media"]],
    [
      "a few bytes without checksum, with metadata",
      "x",
      { retry: null, checksum: null, metadata: { cacheControl: "no-store" } },
      ["multipart"],
    ],
    ["8 MiB that may be repeated", patterned(8 * MiB), { ifGenerationMatch: 0 }, ["multipart"]],
    [
      "more than 8 MiB",
      patterned(8 * MiB + 1),
      { ifGenerationMatch: 0 },
      ["initiate", "chunk", "final"],
    ],
    [
      "more than the chunk size that was asked for",
      patterned(U + 1),
      { ifGenerationMatch: 0, chunkSize: U },
      ["initiate", "chunk", "final"],
    ],
    [
      "a stream, whatever its size",
      new Blob(["x"]).stream(),
      { ifGenerationMatch: 0 },
      ["initiate", "final"],
    ],
    [
      "a ByteSource",
      { size: 1, read: () => Promise.resolve(new Uint8Array(1)) },
      { ifGenerationMatch: 0 },
      ["multipart"],
    ],
    [
      "a ByteSource of more than 8 MiB",
      { size: 8 * MiB + 1, read: (_, length) => Promise.resolve(new Uint8Array(length)) },
      { ifGenerationMatch: 0, chunkSize: Infinity },
      ["initiate", "chunk", "final"],
    ],
    [
      "a ByteSource that may not be repeated",
      { size: 1, read: () => Promise.resolve(new Uint8Array(1)) },
      {},
      ["initiate", "final"],
    ],
    [
      "a ByteSource that says it is empty, and is not",
      { size: 0, read: (offset) => Promise.resolve(new Uint8Array(offset === 0 ? 1 : 0)) },
      { ifGenerationMatch: 0 },
      ["initiate", "final"],
    ],
  ] as [string, UploadSource, SomeOptions, string[]][]
) {
  Deno.test(`${rule} takes ${kinds.join(", ")}`, async () => {
    assertEquals(await kindsOf(source, options), kinds);
  });
}

const API = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=a";
for (const type of ["media", "multipart", "resumable"] as const) {
  Deno.test(`uploadType ${type} of the URL is obeyed`, async () => {
    const options = { bucket: undefined, name: undefined, url: `${API}&uploadType=${type}` };
    assertEquals(
      (await kindsOf(patterned(10), options))[0],
      type === "resumable" ? "initiate" : type,
    );
  });
}

Deno.test("a URL without uploadType gets the best one", async () => {
  const url = { bucket: undefined, name: undefined, url: API };
  assertEquals(await kindsOf(patterned(10), url), ["initiate", "final"]);
  assertEquals(await kindsOf(patterned(10), { ...url, ifGenerationMatch: 0 }), ["multipart"]);
});

Deno.test("a signed URL starts a session", async () => {
  const url =
    "https://storage.googleapis.com/my-bucket/a?X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=ab&X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Date=20260101T000000Z&X-Goog-Expires=600";
  assertEquals(
    (await kindsOf(patterned(10), { bucket: undefined, name: undefined, url })).at(-1),
    "final",
  );
});

for (const name of ["a b/ä?#&=+%", "日本/😀", "..a/../b", "\t'\""]) {
  Deno.test(`an object may be called ${JSON.stringify(name)}`, async () => {
    const emulator = new GcsEmulator();
    for (const source of ["small", patterned(U + 1)]) {
      const object = await upload(source, { ...place, name, transport: emulator.fetch });
      assertEquals(object.name, name);
    }
    assertEquals(emulator.get("my-bucket", name)?.bytes, patterned(U + 1));
  });
}

for (
  const [source, contentType, metadata, expected] of [
    ["text", undefined, undefined, "text/plain;charset=UTF-8"],
    [new Blob(["x"], { type: "image/png" }), undefined, undefined, "image/png"],
    [new Blob(["x"]), undefined, undefined, "application/octet-stream"],
    [new Uint8Array(1), undefined, undefined, "application/octet-stream"],
    [new Blob(["x"], { type: "image/png" }), undefined, { contentType: "image/gif" }, "image/gif"],
    [new Blob(["x"], { type: "image/png" }), "a/b", undefined, "a/b"],
  ] as const
) {
  Deno.test(`contentType ${contentType}, metadata ${JSON.stringify(metadata)}: the object is ${expected}`, async () => {
    const emulator = new GcsEmulator();
    const object = await upload(source, {
      ...place,
      contentType,
      metadata,
      transport: emulator.fetch,
    });
    assertEquals(object.contentType, expected);
  });
}

Deno.test("the endpoint may be another one", async () => {
  const { transport, seen } = scripted(finished());
  await upload("x", { ...place, endpoint: "http://127.0.0.1:4443/", transport, retry: null });
  assert(
    seen[0].url.startsWith("http://127.0.0.1:4443/upload/storage/v1/b/my-bucket/o?name=a"),
    seen[0].url,
  );
});

Deno.test("without a transport it is fetch, as it is at that time", async () => {
  const original = globalThis.fetch, emulator = new GcsEmulator();
  try {
    globalThis.fetch = ((input, init) => emulator.fetch(input as string, init)) as typeof fetch;
    assertEquals((await upload("x", place)).size, "1");
  } finally {
    globalThis.fetch = original;
  }
});

Deno.test("ifGenerationMatch keeps an object from being overwritten, in one request and in a session", async () => {
  const emulator = new GcsEmulator();
  await upload("first", { ...place, transport: emulator.fetch, ifGenerationMatch: 0 });
  for (const source of ["second", patterned(9 * MiB)]) {
    const error = await assertRejects(
      () => upload(source, { ...place, transport: emulator.fetch, ifGenerationMatch: 0 }),
      UploadError,
    );
    assertEquals(error.code, "precondition_failed");
  }
  assertEquals(emulator.get("my-bucket", "a")?.size, 5);
});

for (
  const [kind, source, more] of [
    ["one request", patterned(10), { ifGenerationMatch: 0 }],
    ["a session", patterned(3 * U), {}],
  ] as const
) {
  Deno.test(`progress of ${kind} goes up to the whole`, async () => {
    const reports: UploadProgress[] = [];
    const options = {
      ...place,
      chunkSize: U,
      onProgress: (progress: UploadProgress) => void reports.push(progress),
    };
    await upload(source, { ...options, ...more, transport: new GcsEmulator().fetch });
    if (kind === "a session") assertEquals(reports[0].persisted, 0);
    assertEquals(reports.at(-1), {
      sent: source.length,
      persisted: source.length,
      total: source.length,
      resumedFrom: 0,
    });
  });
}

Deno.test("checkpoints come from the start on, one for each time the server confirms more, and are awaited", async () => {
  const emulator = new GcsEmulator();
  const checkpoints: number[] = [];
  let writing = false;
  const transport: typeof emulator.fetch = (input, init) => {
    assert(!writing, "the upload went on before the checkpoint was stored");
    return emulator.fetch(input, init);
  };
  await upload(patterned(3 * U + 5), {
    ...place,
    chunkSize: U,
    transport,
    onCheckpoint: async ({ persisted }) => {
      writing = true;
      await new Promise((resolve) => setTimeout(resolve));
      writing = false;
      checkpoints.push(persisted);
    },
  });
  assertEquals(checkpoints, [0, U, 2 * U, 3 * U]);
});

Deno.test("a checkpoint takes an upload up where it stopped", async () => {
  const emulator = new GcsEmulator();
  const data = patterned(3 * U + 5);
  let saved: Checkpoint | undefined;
  const crash = new Error("crash");
  const options: UploadOptions = { ...place, chunkSize: U, transport: emulator.fetch };
  const error = await assertRejects(() =>
    upload(data, {
      ...options,
      onCheckpoint: (checkpoint) => {
        saved = checkpoint;
        if (checkpoint.persisted === 2 * U) throw crash;
      },
    })
  );
  assertStrictEquals(error, crash);
  const persisted: number[] = [];
  const object = await upload(data, {
    transport: emulator.fetch,
    checkpoint: saved!,
    onCheckpoint: (checkpoint) => void persisted.push(checkpoint.persisted),
  });
  assertEquals(object.size, String(data.length));
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
  assertEquals(persisted, [2 * U, 3 * U]);
  assertEquals(emulator.requests.filter(({ kind }) => kind === "chunk").length, 3);
});

Deno.test("a checkpoint works with retry null, too", async () => {
  const emulator = new GcsEmulator();
  const data = patterned(3 * U + 5);
  let saved: Checkpoint | undefined;
  emulator.inject({ on: "final", status: 503 });
  const options: UploadOptions = { ...place, chunkSize: U, transport: emulator.fetch, retry: null };
  const onCheckpoint = (checkpoint: Checkpoint) => void (saved = checkpoint);
  await assertRejects(() => upload(data, { ...options, onCheckpoint }), UploadError, "503");
  await upload(data, { transport: emulator.fetch, retry: null, checkpoint: saved! });
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
});

Deno.test("a failure cancels the stream that was being read, with the error", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "chunk", status: 403 });
  const told = Promise.withResolvers<unknown>();
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(patterned(U)),
    cancel: told.resolve,
  });
  const error = await assertRejects(() =>
    upload(stream, { ...place, chunkSize: U, transport: emulator.fetch })
  );
  assertStrictEquals(await told.promise, error);
});

Deno.test("a finished upload lets go of the stream", async () => {
  const stream = defaultStream(pieces(patterned(U + 5), 1000));
  await upload(stream, { ...place, transport: new GcsEmulator().fetch });
  assertEquals(stream.locked, false);
});

Deno.test("an abort stops at once with its own reason, and leaves the session open", async () => {
  const own = new Error("enough"), emulator = new GcsEmulator(), abort = new AbortController();
  let saved: Checkpoint | undefined;
  const data = patterned(3 * U);
  const running = upload(data, {
    ...place,
    chunkSize: U,
    transport: emulator.fetch,
    signal: abort.signal,
    onCheckpoint: (checkpoint) => {
      saved = checkpoint;
      if (checkpoint.persisted === U) abort.abort(own);
    },
  });
  assertStrictEquals(await assertRejects(() => running), own);
  await upload(data, { transport: emulator.fetch, checkpoint: saved! });
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
});

Deno.test("an abort stops at once while a source is asked whether it is empty", async () => {
  const reason = new Error("the user has left");
  const abort = new AbortController();
  let closed = 0;
  const source = {
    size: 0,
    read: () => new Promise<Uint8Array>(() => {}),
    close: () => void closed++,
  };
  const transport = () => Promise.reject(new Error("nothing is sent"));
  const target = { bucket: "my-bucket", name: "a", transport, signal: abort.signal };
  const uploading = upload(source, target);
  queueMicrotask(() => abort.abort(reason));
  assertStrictEquals(await assertRejects(() => uploading), reason);
  assertEquals(closed, 1);
});

Deno.test("retry options reach every kind of upload", async () => {
  for (const source of [patterned(10), patterned(3 * U)]) {
    const clock = fakeClock(), emulator = new GcsEmulator();
    emulator.inject({ status: 503 });
    await upload(source, {
      ...place,
      transport: emulator.fetch,
      ifGenerationMatch: 0,
      retry: { clock },
    });
    assertEquals(clock.sleeps, [1000]);
  }
});

for (
  const [rule, options, type, words] of [
    ["no place", {}, TypeError, "either `url`, or `bucket` and `name`"],
    ["a bucket without a name", { bucket: "my-bucket" }, TypeError, "either"],
    ["a URL and a name", { url: API, name: "b" }, TypeError, "either"],
    ["a size that is not the source's", { ...place, totalBytes: 5 }, RangeError, "totalBytes"],
    ["both a URL and a place", { ...place, url: API }, TypeError, "either"],
    ["no URL", { url: "nowhere" }, TypeError, "url"],
    ["an unknown upload type", { url: `${API}&uploadType=magic` }, RangeError, "magic"],
    ["an illegal name", { ...place, name: ".." }, RangeError, "name"],
    ["an illegal bucket", { ...place, bucket: "A" }, RangeError, "bucket"],
    [
      "another name in the metadata",
      { ...place, metadata: { name: "b" } },
      TypeError,
      "metadata.name",
    ],
    ["a wrong chunk size", { ...place, chunkSize: 5, url: undefined }, RangeError, "chunkSize"],
    ["no media type", { ...place, contentType: "x" }, TypeError, "contentType"],
    ["a wrong endpoint", { ...place, endpoint: "gcs" }, TypeError, "endpoint"],
    ["no transport", { ...place, transport: 5 }, TypeError, "transport"],
    ["no function for progress", { ...place, onProgress: 5 }, TypeError, "onProgress: expected a"],
    ["none for checkpoints", { ...place, onCheckpoint: {} }, TypeError, "onCheckpoint: expected a"],
    ["no signal", { ...place, signal: true }, TypeError, "signal: expected an AbortSignal"],
    [
      "a controller instead of its signal",
      { ...place, signal: new AbortController() },
      TypeError,
      "signal: expected an AbortSignal",
    ],
    [
      "a granularity without a session",
      { bucket: "b", name: "a", granularity: U },
      TypeError,
      "granularity",
    ],
    [
      "a new session that is none",
      { bucket: "b", name: "a", sessionIsNew: true },
      TypeError,
      "sessionIsNew",
    ],
  ] as const
) {
  Deno.test(`${rule} is refused before anything is sent`, async () => {
    const { transport, seen } = scripted();
    const all = { transport, ...options } as unknown as UploadOptions;
    await assertRejects(() => upload(patterned(U + 1), all), type, words);
    assertEquals(seen.length, 0);
  });
}

Deno.test("a call without options says so", async () => {
  const expected = "expected options as an object, got undefined";
  const [none, place] = [undefined as never, "" as never];
  await assertRejects(() => upload("x", none), TypeError, `upload: ${expected}`);
  await assertRejects(() => createUploadSession(none), TypeError, expected);
  assertThrows(() => uploadStream(none), TypeError, `uploadStream: ${expected}`);
  assertThrows(() => uploadStream(place), TypeError, "expected options as an object");
});

Deno.test("a stream cannot go in one request: uploadType media is refused", async () => {
  const { transport, seen } = scripted();
  const url = `${API}&uploadType=media`;
  await assertRejects(
    () => upload(new Blob(["x"]).stream(), { url, transport }),
    TypeError,
    "expected its size to be known",
  );
  assertEquals(seen.length, 0);
});
