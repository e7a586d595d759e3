// Checkpoints that are kept under a key: when they are taken up, replaced and forgotten, and what a store may do to an upload.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type Checkpoint,
  type CheckpointStore,
  createUploadSession,
  type StorageObject,
  type Transport,
  upload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadErrorCode,
  type UploadOptions,
  type UploadSource,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { asyncPieces, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";

const U = UPLOAD_CHUNK_SIZE;
const SIZE = 5 * U + 7;
const DATA = patterned(SIZE);
const BUCKET = "my-bucket";

/** Other bytes of the same length from `from` on. */
function changed(from: number): Uint8Array<ArrayBuffer> {
  return DATA.map((byte, i) => i < from ? byte : byte ^ 0xff);
}

/** A store that notes every call, and hands out what JSON makes of a checkpoint. */
class Notebook implements CheckpointStore {
  readonly calls: string[] = [];
  readonly texts = new Map<string, string>();

  get(key: string): Promise<Checkpoint | undefined> {
    this.calls.push(`get ${key}`);
    const text = this.texts.get(key);
    return Promise.resolve(text === undefined ? undefined : JSON.parse(text));
  }

  set(key: string, checkpoint: Checkpoint): Promise<void> {
    this.calls.push(`set ${key} ${checkpoint.persisted / U}`);
    this.texts.set(key, JSON.stringify(checkpoint));
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.calls.push(`delete ${key}`);
    this.texts.delete(key);
    return Promise.resolve();
  }
}

interface Call {
  readonly gcs: GcsEmulator;
  readonly checkpoints?: CheckpointStore;
  readonly [option: string]: unknown;
}

function put(source: UploadSource, { gcs, ...options }: Call): Promise<StorageObject> {
  return upload(source, {
    bucket: BUCKET,
    name: "a",
    key: "k",
    chunkSize: U,
    transport: gcs.fetch,
    retry: { clock: fakeClock() },
    ...options,
  } as UploadOptions);
}

/** An upload that ends with two of its chunks stored, as when the process is killed. */
async function interrupted(
  gcs: GcsEmulator,
  checkpoints: CheckpointStore,
  options: Record<string, unknown> = {},
  source: UploadSource = DATA,
): Promise<void> {
  gcs.inject({ on: "chunk", skip: 2, drop: "before" });
  const stopped = put(source, { gcs, checkpoints, retry: false, ...options });
  assertEquals((await assertRejects(() => stopped, UploadError)).code, "transport_failed");
}

const kinds = ({ requests }: GcsEmulator, from = 0) => requests.slice(from).map(({ kind }) => kind);

function assertObject(gcs: GcsEmulator, data: Uint8Array, name = "a"): void {
  const bytes = gcs.get(BUCKET, name)?.bytes;
  assert(bytes !== undefined && bytes.length === data.length, "the object and its length");
  assertEquals(bytes.findIndex((byte, i) => byte !== data[i]), -1, "the first byte that differs");
}

Deno.test("an upload keeps a checkpoint when the session is open and after each confirmation, and forgets it at the end", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  await put(DATA, { gcs, checkpoints });
  const sets = [0, 1, 2, 3, 4, 5].map((n) => `set k ${n}`);
  assertEquals(checkpoints.calls, ["get k", ...sets, "delete k"]);
  assertEquals(checkpoints.texts.size, 0);
  assertObject(gcs, DATA);
});

Deno.test("an upload with a key takes a session, however small it is and whatever makes one request safe", async () => {
  const gcs = new GcsEmulator();
  await put("hello", { gcs, checkpoints: new Map(), ifGenerationMatch: 0 });
  assertEquals(kinds(gcs), ["initiate", "final"]);
});

const sources: [kind: string, make: (data: Uint8Array<ArrayBuffer>) => UploadSource][] = [
  ["bytes", (data) => data],
  ["a Blob", (data) => new Blob([data])],
  [
    "{ size, read }",
    (data) => ({ size: data.length, read: (o, n) => Promise.resolve(data.slice(o, o + n)) }),
  ],
  ["a stream", (data) => defaultStream(pieces(data, 99_999))],
  ["an iterable", (data) => asyncPieces(pieces(data, 300_000))],
];

for (const [kind, make] of sources) {
  Deno.test(`the same call goes on where the one before has stopped: ${kind}`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints, {}, make(DATA));
    assertEquals(JSON.parse(checkpoints.texts.get("k")!).persisted, 2 * U);
    const before = gcs.requests.length;
    await put(make(DATA), { gcs, checkpoints });
    assertEquals(kinds(gcs, before).slice(0, 2), ["status", "chunk"]);
    assertEquals(
      [gcs.sessions.length, checkpoints.texts.size],
      [1, 0],
      "sessions, and what is kept",
    );
    assertObject(gcs, DATA);
  });

  Deno.test(`a session that is gone is replaced, within the same call: ${kind}`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints, {}, make(DATA));
    gcs.inject({ on: "status", expire: 410 });
    await put(make(DATA), { gcs, checkpoints });
    assertEquals(gcs.sessions.length, 2);
    assertEquals(checkpoints.texts.size, 0);
    assertObject(gcs, DATA);
  });
}

Deno.test("a process that ends between the last byte and the end of the upload finds the object, and sends nothing", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  gcs.inject({ on: "final", drop: "after" });
  await assertRejects(() => put(DATA, { gcs, checkpoints, retry: false }), UploadError);
  const before = gcs.requests.length;
  const { generation } = await put(DATA, { gcs, checkpoints });
  assertEquals([kinds(gcs, before), generation], [["status"], gcs.get(BUCKET, "a")!.generation]);
  assertEquals(checkpoints.texts.size, 0);
});

for (const from of [0, 2 * U - 1]) {
  Deno.test(`another source of the same size is stored whole, not behind bytes of the first one: from byte ${from} on`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints);
    await put(changed(from), { gcs, checkpoints });
    assertEquals(gcs.sessions.length, 2);
    assertObject(gcs, changed(from));
    assertEquals(checkpoints.texts.size, 0);
  });
}

Deno.test("another source of another size, or with another date, is stored whole", async () => {
  for (const source of [DATA.slice(0, SIZE - 1), new File([DATA], "a", { lastModified: 2 })]) {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints, {}, new File([DATA], "a", { lastModified: 1 }));
    await put(source, { gcs, checkpoints });
    assertEquals(gcs.sessions.length, 2);
    assertObject(gcs, source instanceof File ? DATA : source);
  }
});

Deno.test("another source, after the first one was finished unseen, is stored as a new generation", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  gcs.inject({ on: "final", drop: "after" });
  await assertRejects(() => put(DATA, { gcs, checkpoints, retry: false }), UploadError);
  await put(changed(U), { gcs, checkpoints });
  assertObject(gcs, changed(U));
});

Deno.test("another stream cannot be stored once it was read for the session; the next call starts anew", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const stream = () => defaultStream(pieces(changed(5), 99_999));
  await interrupted(gcs, checkpoints, {}, defaultStream(pieces(DATA, 99_999)));
  const error = await assertRejects(() => put(stream(), { gcs, checkpoints }), UploadError);
  assertEquals([error.code, checkpoints.texts.size], ["source_changed", 0]);
  assertEquals(gcs.get(BUCKET, "a"), undefined);
  await put(stream(), { gcs, checkpoints });
  assertObject(gcs, changed(5));
});

const others: [what: string, options: Record<string, unknown>][] = [
  ["name", { name: "b" }],
  ["bucket", { bucket: "other" }],
  ["precondition", { ifGenerationMatch: 0 }],
  ["media type", { contentType: "image/png" }],
  ["checksum", { checksum: "md5" }],
];
for (const [what, options] of others) {
  Deno.test(`what is kept of an upload with another ${what} is replaced, not taken up`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints);
    const before = gcs.requests.length;
    const object = await put(DATA, { gcs, checkpoints, ...options });
    assertEquals(kinds(gcs, before)[0], "initiate");
    const { bucket = BUCKET, name = "a" } = options as { bucket?: string; name?: string };
    assertEquals([object.bucket, object.name], [bucket, name]);
    assertEquals(checkpoints.texts.size, 0);
  });
}

for (
  const kept of ["[]", "{}", "7", '"text"', '{"version":2}', '{"version":1,"sessionUrl":"ftp://a"}']
) {
  Deno.test(`what is no checkpoint is replaced: ${kept}`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    checkpoints.texts.set("k", kept);
    await put(DATA, { gcs, checkpoints });
    assertObject(gcs, DATA);
    assertEquals(checkpoints.texts.size, 0);
  });
}

const failures: [code: UploadErrorCode, status: number, kept: boolean][] = [
  ["unavailable", 503, true],
  ["rejected", 401, true],
  ["rejected", 403, true],
  ["session_cancelled", 499, false],
  ["precondition_failed", 412, false],
];
for (const [code, status, isKept] of failures) {
  Deno.test(`after a ${status} in the middle the checkpoint is ${isKept ? "kept" : "forgotten"}`, async () => {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    gcs.inject({ on: "chunk", skip: 2, status, times: Infinity });
    const retry = { clock: fakeClock(), maxAttempts: 1 };
    const error = await assertRejects(() => put(DATA, { gcs, checkpoints, retry }), UploadError);
    assertEquals([error.code, checkpoints.texts.size], [code, isKept ? 1 : 0]);
  });
}

Deno.test("a 401 or 403 to the first question is an error, and what is kept stays: it speaks of the caller", async () => {
  for (const status of [401, 403]) {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints);
    gcs.inject({ on: "status", status });
    const error = await assertRejects(() => put(DATA, { gcs, checkpoints }), UploadError);
    assertEquals([error.code, error.status, checkpoints.texts.size], ["rejected", status, 1]);
    await put(DATA, { gcs, checkpoints });
    assertEquals(gcs.sessions.length, 1);
  }
});

Deno.test("a session that was taken up and is gone later ends the call, as any session; the next call starts anew", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  await interrupted(gcs, checkpoints);
  gcs.inject({ on: "chunk", expire: 410 });
  const error = await assertRejects(() => put(DATA, { gcs, checkpoints }), UploadError);
  assertEquals([error.code, checkpoints.texts.size], ["session_gone", 0]);
  await put(DATA, { gcs, checkpoints });
  assertEquals(gcs.sessions.length, 2);
  assertObject(gcs, DATA);
});

Deno.test("where a new session is refused, what was kept is still there", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  await interrupted(gcs, checkpoints);
  gcs.inject({ on: "status", status: 400 }, { on: "initiate", status: 403 });
  await assertRejects(() => put(DATA, { gcs, checkpoints }), UploadError);
  assertEquals(checkpoints.texts.size, 1);
  await put(DATA, { gcs, checkpoints });
  assertEquals(gcs.sessions.length, 1, "the first session was of use after all");
});

Deno.test("an abort keeps the checkpoint, and the next call goes on, even at once", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const stop = new AbortController();
  const own = new Error("paused");
  const onProgress = ({ persisted }: { persisted: number }) => {
    if (persisted === 2 * U) stop.abort(own);
  };
  const first = put(DATA, { gcs, checkpoints, signal: stop.signal, onProgress });
  const second = first.catch((error) => {
    assertStrictEquals(error, own);
    return put(DATA, { gcs, checkpoints });
  });
  await second;
  assertEquals(gcs.sessions.length, 1);
  assertObject(gcs, DATA);
});

Deno.test("a call that is made right after an abort waits for the one before", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const stop = new AbortController();
  let second: Promise<StorageObject> | undefined;
  const transport: Transport = (input, init) => {
    if (checkpoints.calls.includes("set k 2") && !second) {
      stop.abort(new Error("paused"));
      second = put(DATA, { gcs, checkpoints }); // the first one has not ended yet
    }
    return gcs.fetch(input, init);
  };
  await assertRejects(() => put(DATA, { gcs, checkpoints, transport, signal: stop.signal }));
  await second;
  assertEquals(gcs.sessions.length, 1);
  assertObject(gcs, DATA);
});

Deno.test("two uploads cannot have the same key at the same time; other keys and other stores can", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const first = put(DATA, { gcs, checkpoints });
  const error = await assertRejects(() => put(DATA, { gcs, checkpoints }), UploadError);
  assertEquals(error.code, "invalid_state");
  await Promise.all([
    first,
    put(DATA, { gcs, checkpoints, key: "l", name: "b" }),
    put(DATA, { gcs, checkpoints: new Notebook(), name: "c" }),
  ]);
  await put(DATA, { gcs, checkpoints });
  assertEquals(checkpoints.texts.size, 0);
});

/** A store whose calls fail, or never answer. */
function failing(method: "get" | "set" | "delete", how: "throws" | "rejects"): Notebook {
  const notebook = new Notebook();
  const own = new Error(`${method} fails`);
  Object.defineProperty(notebook, method, {
    value: () => {
      if (how === "throws") throw own;
      return Promise.reject(own);
    },
  });
  return notebook;
}

for (const method of ["get", "set", "delete"] as const) {
  for (const how of ["throws", "rejects"] as const) {
    Deno.test(`a store whose ${method}() ${how} ends no upload, and is heard of`, async () => {
      const gcs = new GcsEmulator();
      const errors: unknown[] = [];
      const onCheckpointError = (error: unknown) => void errors.push(error);
      await put(DATA, { gcs, checkpoints: failing(method, how), onCheckpointError });
      assertObject(gcs, DATA);
      assertEquals(errors.length, method === "set" ? 6 : 1);
      assertEquals((errors[0] as Error).message, `${method} fails`);
      await put(DATA, { gcs, checkpoints: failing(method, how) }); // nobody has to listen
    });
  }
}

Deno.test("an upload waits once for a store that never answers, is told once, and makes no heap of calls", async () => {
  const { setTimeout } = globalThis;
  const waits: unknown[] = [];
  globalThis.setTimeout = ((callback: () => void, milliseconds: number) => {
    waits.push(milliseconds);
    return setTimeout(callback, 0);
  }) as typeof setTimeout;
  try {
    const gcs = new GcsEmulator();
    let calls = 0;
    const never = () => {
      calls++;
      return new Promise<never>(() => {});
    };
    const errors: string[] = [];
    await put(DATA, {
      gcs,
      checkpoints: { get: never, set: never, delete: never },
      onCheckpointError: (error: Error) => void errors.push(error.message),
    });
    assertObject(gcs, DATA);
    assertEquals([errors.length, waits], [1, [10_000, 0, 0]]);
    assertEquals(calls, 3, "get, the first set, and delete");
    assert(/did not answer within 10000 ms/.test(errors[0]), errors[0]);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

/** Runs something where timers go off at once, and time passes only as it says; gives how long was waited for each time. */
async function inOwnTime(
  run: (pass: (milliseconds: number) => void) => Promise<void>,
): Promise<number[]> {
  const { setTimeout } = globalThis;
  const { now } = Date;
  const waits: number[] = [];
  let time = now();
  globalThis.setTimeout = ((callback: () => void, milliseconds: number) => {
    waits.push(milliseconds);
    return setTimeout(callback, 0);
  }) as typeof setTimeout;
  Date.now = () => time;
  try {
    await run((milliseconds) => void (time += milliseconds));
    return waits;
  } finally {
    globalThis.setTimeout = setTimeout;
    Date.now = now;
  }
}

const soon = setTimeout; // of the platform, whatever stands in for it

Deno.test("a store that takes longer than ten seconds each time is waited for once, and keeps what was said last", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const { set } = checkpoints;
  let calls = 0;
  const waits = await inOwnTime(async (pass) => {
    checkpoints.set = async (key, checkpoint) => {
      calls++;
      await new Promise((resolve) => soon(resolve, 20));
      pass(12_000);
      await set.call(checkpoints, key, checkpoint);
    };
    await interrupted(gcs, checkpoints);
    const kept = () => checkpoints.calls.includes("set k 2");
    while (!kept()) await new Promise((resolve) => soon(resolve, 5));
  });
  assertEquals(waits.filter((wait) => wait === 10_000).length, 2, "get, and the first set");
  assertEquals(JSON.parse(checkpoints.texts.get("k")!).persisted, 2 * U);
  assert(calls <= 5, `${calls} calls`);
});

Deno.test("a store that hung once is waited for again when it answers, and what fails later is heard of again", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const { set } = checkpoints;
  const errors: string[] = [];
  const waits = await inOwnTime(async (pass) => {
    checkpoints.set = async (key, checkpoint) => {
      const { persisted } = checkpoint;
      if (persisted === U || persisted === 4 * U) await new Promise(() => {}); // lost, and nobody notices
      await set.call(checkpoints, key, checkpoint);
    };
    const onCheckpointError = ({ message }: Error) => void errors.push(message);
    await put(DATA, {
      gcs,
      checkpoints,
      onCheckpointError,
      onCheckpoint: () => pass(10_000), // so long a chunk takes
    });
  });
  assertObject(gcs, DATA);
  assertEquals(errors.length, 2);
  const kept = checkpoints.calls.filter((call) => call.startsWith("set"));
  assertEquals([...new Set(kept)], ["set k 0", "set k 2", "set k 3", "set k 5"]);
  assertEquals(checkpoints.texts.size, 0);
  assert(waits.filter((wait) => wait === 10_000).length >= 3, waits.join());
});

Deno.test("what a store that was late keeps is still asked for by the next upload, for a second", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const { set } = checkpoints;
  await interrupted(gcs, checkpoints);
  const waits = await inOwnTime(async () => {
    checkpoints.set = () => new Promise<never>(() => {});
    await put(DATA, { gcs, checkpoints, key: "other", name: "b" });
    checkpoints.set = set;
    await put(DATA, { gcs, checkpoints });
  });
  assertEquals(gcs.sessions.length, 2, "the kept one went on");
  assertEquals(waits.filter((wait) => wait === 10_000).length >= 2, true);
  assertEquals(checkpoints.texts.has("k"), false);
});

Deno.test("what onCheckpointError throws ends the upload, but not one that is finished", async () => {
  const own = new Error("must be kept");
  const onCheckpointError = () => {
    throw own;
  };
  for (const method of ["get", "set"] as const) {
    const gcs = new GcsEmulator();
    const checkpoints = failing(method, "rejects");
    const error = await assertRejects(() => put(DATA, { gcs, checkpoints, onCheckpointError }));
    assertStrictEquals(error, own);
  }
  const gcs = new GcsEmulator();
  await put(DATA, { gcs, checkpoints: failing("delete", "rejects"), onCheckpointError });
  assertObject(gcs, DATA);
});

Deno.test("a write that is late comes before the end is noted: what is finished does not rise again", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  let write = () => {};
  const { set } = checkpoints;
  const stop = new AbortController();
  checkpoints.set = async (key, checkpoint) => {
    if (checkpoint.persisted === 2 * U && !stop.signal.aborted) {
      setTimeout(() => stop.abort(new Error("paused")), 0);
      await new Promise<void>((resolve) => write = resolve);
    }
    await set.call(checkpoints, key, checkpoint);
  };
  await assertRejects(() => put(DATA, { gcs, checkpoints, signal: stop.signal }));
  const second = put(DATA, { gcs, checkpoints });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(checkpoints.calls.at(-1), "set k 1", "the second upload waits for the write");
  write();
  await second;
  assertEquals([checkpoints.calls.at(-1), checkpoints.texts.size], ["delete k", 0]);
});

/** Runs something where timers go off at once. */
async function withoutWaiting<T>(run: () => Promise<T>): Promise<T> {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((callback: () => void) => setTimeout(callback, 0)) as typeof setTimeout;
  try {
    return await run();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
}

/** Lets everything happen that does not wait for anybody. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

Deno.test("a write that is later than anybody waits is undone when it ends: what is finished does not rise again", async () => {
  for (const late of [0, 2, 5]) {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    const { set } = checkpoints;
    let write = () => {};
    checkpoints.set = async (key, checkpoint) => {
      if (checkpoint.persisted === late * U) await new Promise<void>((land) => write = land);
      await set.call(checkpoints, key, checkpoint);
    };
    await withoutWaiting(() => put(DATA, { gcs, checkpoints, onCheckpointError: () => {} }));
    assertEquals([checkpoints.calls.at(-1), checkpoints.texts.size], ["delete k", 0]);
    write();
    await settled();
    assertEquals(checkpoints.calls.slice(-2), [`set k ${late}`, "delete k"]);
    assertEquals(checkpoints.texts.size, 0);
  }
});

Deno.test("a late write does not take the place of that of a later upload, nor does a late delete forget it", async () => {
  for (const method of ["set", "delete"] as const) {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    const own = checkpoints[method] as (...args: unknown[]) => Promise<void>;
    let land: (() => void) | undefined;
    Object.assign(checkpoints, {
      async [method](...args: unknown[]) {
        const isFirst = land === undefined;
        land ??= () => {};
        if (isFirst) await new Promise<void>((resolve) => land = resolve);
        await own.apply(checkpoints, args);
      },
    });
    await withoutWaiting(() => put(DATA, { gcs, checkpoints, onCheckpointError: () => {} }));
    checkpoints.texts.clear(); // what has not landed cannot be gone on with
    await interrupted(gcs, checkpoints);
    const kept = checkpoints.texts.get("k");
    assert(kept !== undefined);
    land!();
    await settled();
    assertEquals(checkpoints.texts.get("k"), kept, method);
    const starts = gcs.sessions.length;
    await put(DATA, { gcs, checkpoints });
    assertEquals([gcs.sessions.length, checkpoints.texts.size], [starts, 0]);
  }
});

Deno.test("onCheckpoint hears of each checkpoint that was kept", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const heard: string[] = [];
  const onCheckpoint = ({ persisted }: Checkpoint) => {
    heard.push(`${persisted / U}: ${checkpoints.calls.at(-1)}`);
  };
  await put(DATA, { gcs, checkpoints, onCheckpoint });
  assertEquals(heard, [0, 1, 2, 3, 4, 5].map((n) => `${n}: set k ${n}`));
});

Deno.test("a source is let go once, whether the kept session was of use or not", async () => {
  for (const expire of [undefined, 410] as const) {
    const gcs = new GcsEmulator();
    const checkpoints = new Notebook();
    await interrupted(gcs, checkpoints);
    if (expire) gcs.inject({ on: "status", expire });
    let closed = 0;
    const source = {
      size: SIZE,
      read: (o: number, n: number) => Promise.resolve(DATA.slice(o, o + n)),
      close: () => void closed++,
    };
    await put(source, { gcs, checkpoints });
    assertEquals(closed, 1);
    gcs.inject({ on: "initiate", status: 400 });
    await assertRejects(() => put({ ...source }, { gcs, checkpoints }));
    assertEquals(closed, 2);
  }
});

const handedOver = { bucket: undefined, name: undefined };

Deno.test("an upload to a handed-over session goes on by its key, and asks for a session only where it needs one", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  let asked = 0;
  const session = async () => {
    asked++;
    const target = { bucket: BUCKET, name: "a", transport: gcs.fetch };
    return (await createUploadSession(target)).url;
  };
  await interrupted(gcs, checkpoints, { ...handedOver, session });
  await put(DATA, { gcs, checkpoints, ...handedOver, session });
  assertEquals(asked, 1);
  await interrupted(gcs, checkpoints, { ...handedOver, session });
  gcs.inject({ on: "status", expire: 410 });
  await put(DATA, { gcs, checkpoints, ...handedOver, session });
  assertEquals(asked, 3);
  await interrupted(gcs, checkpoints, { ...handedOver, session });
  await put(changed(3), { gcs, checkpoints, ...handedOver, session });
  assertEquals([asked, checkpoints.texts.size], [5, 0]);
  assertObject(gcs, changed(3));
});

Deno.test("one session takes one source: another one is an error; another session is a start", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const open = async () => {
    const target = { bucket: BUCKET, name: "a", transport: gcs.fetch };
    return (await createUploadSession(target)).url;
  };
  const session = await open();
  await interrupted(gcs, checkpoints, { ...handedOver, session });
  const other = put(changed(3), { gcs, checkpoints, ...handedOver, session });
  assertEquals((await assertRejects(() => other, UploadError)).code, "source_changed");
  await put(DATA, { gcs, checkpoints, ...handedOver, session });
  assertObject(gcs, DATA);
  await interrupted(gcs, checkpoints, { ...handedOver, session: await open() });
  await put(changed(3), { gcs, checkpoints, ...handedOver, session: await open() });
  assertObject(gcs, changed(3));
});

const map = new Map<string, Checkpoint>();
const wrong: [what: string, options: Record<string, unknown>, message: RegExp][] = [
  ["a key without checkpoints", { key: "k" }, /^key: expected none without `checkpoints`/],
  ["checkpoints without a key", { checkpoints: map, key: undefined }, /^key: expected a text/],
  ["an empty key", { checkpoints: map, key: "" }, /^key: .*got an empty one/],
  ["a key that is no text", { checkpoints: map, key: 7 }, /^key: .*got number/],
  ["a store that is none", { checkpoints: { get() {} } }, /^checkpoints: expected an object with/],
  ["a function as a store", { checkpoints: () => map }, /^checkpoints: expected an object with/],
  [
    "a checkpoint besides",
    { checkpoints: map, checkpoint: { version: 1 } },
    /^checkpoint: expected none together with `checkpoints`/,
  ],
  [
    "a listener without checkpoints",
    { key: undefined, onCheckpointError() {} },
    /^onCheckpointError: expected none without/,
  ],
  [
    "a listener that is none",
    { checkpoints: map, onCheckpointError: "log" },
    /^onCheckpointError: expected a function/,
  ],
];
for (const [what, options, message] of wrong) {
  Deno.test(`${what} is a TypeError before anything is sent or read`, async () => {
    const gcs = new GcsEmulator();
    const error = await assertRejects(() => put(DATA, { gcs, ...options }), TypeError);
    assert(message.test(error.message), error.message);
    assertEquals([gcs.requests.length, map.size], [0, 0]);
  });
}

Deno.test("no error says a key or a session", async () => {
  const gcs = new GcsEmulator();
  const checkpoints = new Notebook();
  const key = "/srv/somebody/secret plans.pdf";
  const first = put(DATA, { gcs, checkpoints, key });
  const busy = await assertRejects(() => put(DATA, { gcs, checkpoints, key }), UploadError);
  await first;
  assert(!Deno.inspect(busy).includes("secret"), busy.message);
});
