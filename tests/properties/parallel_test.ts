// Parallel uploads: random parts, sources and faults, and a crash between any two requests, after which a new process goes on.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Transport, UploadError } from "../../mod.ts";
import { type Fault, GcsEmulator, type RequestKind } from "../../src/emulator/mod.ts";
import {
  cancelParallelUpload,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadParallel,
  type Via,
} from "../../src/parallel/mod.ts";
import { abortable } from "../../src/net/clock.ts";
import { patterned } from "../support/bytes.ts";
import { fastClock } from "./support/fast_clock.ts";
import { property, type Tally } from "./support/property.ts";
import { sameBytes } from "./support/scenario.ts";
import { type Kind, type Meter, sourceOf } from "./support/sources.ts";

const BUCKET = "my-bucket", NAME = "dir/a b";
const MiB = 1024 * 1024;

/** What happens to the `at`-th request of a process. */
interface NetworkFault {
  readonly at: number;
  readonly kind: "lost" | "reply lost" | "stall";
}

interface Scenario {
  readonly via: Via;
  readonly kind: Kind;
  readonly partSize: number;
  readonly size: number;
  readonly steps: number[];
  readonly concurrency: number;
  readonly isConditional: boolean;
  readonly checksum: "auto" | "crc32c" | null;
  readonly faults: Fault[];
  readonly networkFaults: NetworkFault[];
  /** After how many requests the first process dies; `undefined` if it does not. */
  readonly dies: number | undefined;
  /** Whether the request at which it dies still arrives. */
  readonly arrives: boolean;
  /** How old the stored checkpoint is. */
  readonly stale: number;
  readonly secondKind: Kind;
  /** Which byte of the source is another one for the second process; `undefined` if none is. */
  readonly changed: number | undefined;
}

const kinds: fc.Arbitrary<Kind> = fc.constantFrom(
  "Blob",
  "bytes",
  "stream",
  "reusing iterable",
  "sized source",
  "unsized source",
);

const KINDS: readonly RequestKind[] = [
  "initiate",
  "part",
  "complete",
  "list parts",
  "abort",
  "multipart",
  "compose",
  "get",
  "list",
  "delete",
];

const scopes = fc.record({
  on: fc.oneof(
    fc.constantFrom<RequestKind>(...KINDS),
    fc.constantFrom<RequestKind>("part", "multipart", "complete", "compose"),
  ),
  skip: fc.integer({ min: 0, max: 4 }),
  times: fc.integer({ min: 1, max: 2 }),
});

/** Faults that pass. */
const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc.oneof(
    fc.tuple(scopes, fc.constantFrom("before" as const, "after" as const))
      .map(([scope, drop]): Fault => ({ ...scope, drop })),
    fc.tuple(scopes, fc.constantFrom(408, 429, 500, 503))
      .map(([scope, status]): Fault => ({ ...scope, status })),
    fc.tuple(scopes, fc.integer({ min: 0, max: 6 * MiB }))
      .map(([scope, cut]): Fault => ({ ...scope, cut })),
    fc.record({ skip: fc.integer({ min: 0, max: 3 }) })
      .map((scope): Fault => ({ ...scope, on: ["part", "multipart"], corrupt: true })),
  ),
  { maxLength: 4 },
);

const networkFaults: fc.Arbitrary<NetworkFault[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 12 }),
    kind: fc.constantFrom("lost", "lost", "reply lost", "reply lost", "stall"),
  }),
  { maxLength: 3 },
);

/** Sizes in parts, most of them around the end of one. */
function scenarios(via: Via, partSize: number, mostParts: number): fc.Arbitrary<Scenario> {
  const around = fc.tuple(
    fc.integer({ min: 1, max: mostParts }),
    fc.constantFrom(-1, 0, 1, 77_777),
  ).map(([parts, more]) => parts * partSize + more);
  return fc.record({
    via: fc.constant(via),
    kind: kinds,
    partSize: fc.constant(partSize),
    size: fc.oneof({ weight: 8, arbitrary: around }, fc.constantFrom(0, 1)),
    steps: fc.array(fc.integer({ min: 100_000, max: 3 * MiB }), { minLength: 1, maxLength: 3 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    isConditional: fc.boolean(),
    checksum: fc.constantFrom("auto" as const, "auto" as const, "crc32c" as const, null),
    faults,
    networkFaults,
    dies: fc.option(fc.integer({ min: 1, max: 2 * mostParts + 6 }), { nil: undefined }),
    arrives: fc.boolean(),
    stale: fc.integer({ min: 0, max: 2 }),
    secondKind: kinds,
    changed: fc.option(fc.nat({ max: 20 * MiB }), { nil: undefined, freq: 4 }),
  }).map(possible);
}

/** Without damage that nobody wants to hear of, or that is there each time: that is no line but a broken machine. */
function possible(scenario: Scenario): Scenario {
  const most = scenario.checksum === null ? 0 : 2;
  let damages = 0;
  const faults = scenario.faults.filter((fault) => !fault.corrupt || ++damages <= most);
  return scenario.checksum === null
    ? { ...scenario, faults, changed: undefined }
    : { ...scenario, faults };
}

/** A network on which each process counts its requests. */
class Network {
  hits = 0;
  readonly #to: Transport;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(to: Transport) {
    this.#to = to;
  }

  /** The transport of one process. */
  process(networkFaults: readonly NetworkFault[], dies = Infinity, arrives = false): Transport {
    let count = 0;
    return async (url, init) => {
      const index = count++;
      // An error of this type is not retried.
      if (index > 600) throw new UploadError("invalid_state", "The upload does not end");
      if (index === dies && arrives) await (await this.#send(url, init)).body?.cancel();
      if (index >= dies) throw new UploadError("invalid_state", "The process is dead");
      const fault = networkFaults.find(({ at }) => at === index);
      if (!fault) return await this.#send(url, init);
      this.hits++;
      if (fault.kind === "stall") return await new Promise<never>(() => {});
      if (fault.kind === "reply lost") await (await this.#send(url, init)).body?.cancel();
      throw new TypeError(`fetch failed: ${fault.kind}`);
    };
  }

  /** Waits for what is still under way. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** What is on its way arrives, whether or not the sender still waits for it. */
  #send(url: string, init: RequestInit): Promise<Response> {
    const reply = this.#to(url, { ...init, signal: null });
    const settled = reply.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return abortable(reply, init.signal ?? undefined);
  }
}

const DATA = patterned(17 * MiB);

function changedAt(bytes: Uint8Array<ArrayBuffer>, at: number | undefined) {
  if (at === undefined || bytes.length === 0) return bytes;
  const copy = bytes.slice();
  copy[at % copy.length] ^= 1;
  return copy;
}

async function check(scenario: Scenario, tally: Tally): Promise<void> {
  const { via, kind, partSize, size, steps, concurrency, checksum } = scenario;
  const gcs = new GcsEmulator({ md5: false, sleep: () => Promise.resolve() });
  gcs.inject(...scenario.faults);
  const network = new Network((url, init) => gcs.fetch(url, init));
  const clock = fastClock();
  const file = DATA.slice(0, size);
  const options: ParallelOptions = {
    bucket: BUCKET,
    name: NAME,
    via,
    partSize,
    concurrency,
    checksum,
    ...(via === "compose" && scenario.isConditional && { ifGenerationMatch: 0 }),
    retry: { clock, maxElapsed: Infinity, maxAttempts: 40 },
  };
  const meter: Meter = { handedOut: 0 };
  let [held, confirmed] = [0, 0];
  meter.onRead = () => held = Math.max(held, meter.handedOut - confirmed);
  const checkpoints: ParallelCheckpoint[] = [];
  const { dies } = scenario;
  const first = uploadParallel(sourceOf(kind, file, steps, meter), {
    ...options,
    transport: network.process(scenario.networkFaults, dies, scenario.arrives),
    onProgress: ({ sent, persisted, total }) => {
      assert(persisted <= sent && sent <= size && (total ?? size) === size, "false progress");
      confirmed = persisted;
    },
    ...(dies !== undefined && {
      onCheckpoint: (checkpoint) => void checkpoints.push(structuredClone(checkpoint)),
    }),
  });
  let finished = await outcome(first);
  await network.settle();
  const isHeld = kind === "stream" || kind === "reusing iterable" || kind === "unsized source";
  if (isHeld) {
    const most = concurrency * partSize + Math.max(...steps);
    assert(held <= most, `${held} bytes held, with ${concurrency} parts of ${partSize}`);
  }
  const now = changedAt(file, scenario.changed);
  if (!finished && dies === undefined) throw new Error("A failure that passes was not survived");
  if (!finished) {
    const saved = checkpoints.at(-1 - Math.min(scenario.stale, checkpoints.length - 1));
    const transport = network.process([]);
    const more = saved && { checkpoint: JSON.parse(JSON.stringify(saved)) };
    const second = uploadParallel(sourceOf(scenario.secondKind, now, steps), {
      ...options,
      ...more,
      transport,
    });
    finished = await outcome(second);
    await network.settle();
    if (!finished) {
      const isBoundToFail = scenario.changed !== undefined ||
        (saved && gcs.get(BUCKET, NAME) !== undefined);
      assert(isBoundToFail, "the same source was refused");
      if (saved) await cancelParallelUpload(saved, { transport, retry: { clock } });
    }
  }
  checkServer(gcs, finished, [file, now]);
  tally.faults += network.hits + gcs.requests.filter(({ fault }) => fault !== null).length;
}

/** Whether it finished; anything but an error with a code is a mistake. */
async function outcome(uploading: Promise<unknown>): Promise<boolean> {
  try {
    await uploading;
    return true;
  } catch (error) {
    if (!(error instanceof UploadError)) throw error;
    assert(error.message !== "The upload does not end", error.message);
    return false;
  }
}

/** One object, the exact one, or none, and nothing besides it. */
function checkServer(gcs: GcsEmulator, finished: boolean, allowed: Uint8Array[]): void {
  const names = gcs.objects.map(({ name }) => name);
  if (finished) assertEquals(names, [NAME]);
  else assertEquals(names.filter((name) => name !== NAME), []);
  const object = gcs.get(BUCKET, NAME);
  if (object) {
    assert(allowed.some((bytes) => sameBytes(object.bytes!, bytes)), "another object");
  }
  const uploads = gcs.multipartUploads;
  assert(uploads.filter(({ phase }) => phase === "completed").length <= 1, "completed twice");
  // The reply that says the ID may be lost: then nobody can abort it.
  for (const { phase, parts } of uploads) assert(phase !== "open" || parts.length === 0);
}

property(
  "an XML multipart upload makes the exact object once, over faults and a crash, and leaves no part behind",
  40,
  scenarios("multipart", 5 * MiB, 3),
  check,
);

property(
  "a composed upload makes the exact object, over faults and a crash, and leaves no temporary object behind",
  150,
  scenarios("compose", 256 * 1024, 8),
  check,
);

property(
  "an upload of more parts than one request composes makes the exact object, over faults and a crash",
  15,
  scenarios("compose", 256 * 1024, 50),
  check,
);

property(
  "an XML multipart upload that is stopped at any request leaves no part behind",
  25,
  fc.record({
    scenario: scenarios("multipart", 5 * MiB, 3),
    at: fc.integer({ min: 0, max: 6 }),
  }),
  async ({ scenario: { kind, size, steps, concurrency, partSize }, at }) => {
    const gcs = new GcsEmulator({ md5: false });
    const network = new Network((url, init) => gcs.fetch(url, init));
    const stop = new AbortController();
    const reason = new Error("stopped");
    const send = network.process([]);
    let count = 0;
    const uploading = uploadParallel(sourceOf(kind, DATA.slice(0, size), steps), {
      bucket: BUCKET,
      name: NAME,
      via: "multipart",
      partSize,
      concurrency,
      signal: stop.signal,
      transport: (url, init) => {
        if (count++ === at) stop.abort(reason);
        return send(url, init);
      },
    });
    const error = await uploading.then(() => undefined, (thrown: unknown) => thrown);
    await network.settle();
    if (error === undefined) assertEquals(gcs.objects.length, 1);
    else assertEquals(error, reason);
    checkServer(gcs, error === undefined, [DATA.subarray(0, size)]);
  },
);

/** Two processes with one checkpoint. */
interface Race {
  readonly scenario: Scenario;
  /** How many turns each request takes to arrive, and each reply. */
  readonly turns: number[];
}

function races(scenarios: fc.Arbitrary<Scenario>): fc.Arbitrary<Race> {
  const turns = fc.array(fc.nat({ max: 5 }), { minLength: 5, maxLength: 40 });
  return fc.record({ scenario: scenarios, turns });
}

async function race({ scenario, turns }: Race): Promise<void> {
  const { via, kind, partSize, size, steps, concurrency, dies = 3 } = scenario;
  const gcs = new GcsEmulator({ md5: false });
  const file = DATA.slice(0, size);
  let count = 0;
  const late = async () => {
    for (let turn = turns[count++ % turns.length]; turn > 0; turn--) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  const transport: Transport = async (url, init) => {
    await late();
    const reply = await gcs.fetch(url, init);
    await late();
    return reply;
  };
  const retry = { clock: fastClock(), maxAttempts: 8 };
  const options = { bucket: BUCKET, name: NAME, via, partSize, concurrency, transport, retry };
  let checkpoint: ParallelCheckpoint | undefined;
  const onCheckpoint = (saved: ParallelCheckpoint) => {
    checkpoint = structuredClone(saved);
    if (saved.parts.length >= dies) throw new UploadError("invalid_state", "The process is dead");
  };
  await outcome(uploadParallel(sourceOf(kind, file, steps), { ...options, onCheckpoint }));
  const goOn = () => outcome(uploadParallel(file, { ...options, checkpoint }));
  const both = await Promise.all([goOn(), goOn()]);
  const object = () => gcs.get(BUCKET, NAME)?.bytes;
  assertEquals(both, [true, true]);
  if (via === "multipart") checkServer(gcs, true, [file]);
  assert(sameBytes(object()!, file), "not the file");
}

property(
  "of two processes with one checkpoint each finishes the exact object of an XML multipart upload",
  5,
  races(scenarios("multipart", 5 * MiB, 3)),
  race,
);

property(
  "of two processes with one checkpoint each finishes the exact object of a composed upload",
  6,
  races(scenarios("compose", 256 * 1024, 36)),
  race,
);

Deno.test("a process that dies at any request leaves what the next one finishes, whether or not that request arrives", async () => {
  const size = 3 * 256 * 1024 + 5;
  const file = DATA.slice(0, size);
  for (const concurrency of [1, 3]) {
    for (const arrives of [true, false]) {
      for (let dies = 0; dies < 7; dies++) {
        const gcs = new GcsEmulator({ md5: false });
        const network = new Network((url, init) => gcs.fetch(url, init));
        const options: ParallelOptions = {
          bucket: BUCKET,
          name: NAME,
          via: "compose",
          partSize: 256 * 1024,
          concurrency,
          ifGenerationMatch: 0,
          retry: false,
        };
        let checkpoint: ParallelCheckpoint | undefined;
        const onCheckpoint = (saved: ParallelCheckpoint) => void (checkpoint = saved);
        const transport = network.process([], dies, arrives);
        await outcome(uploadParallel(file, { ...options, transport, onCheckpoint }));
        await network.settle();
        const second = { ...options, checkpoint, transport: network.process([]) };
        const object = await uploadParallel(file, second);
        assertEquals(object.size, String(size), `${concurrency} ${arrives} ${dies}`);
        checkServer(gcs, true, [file]);
      }
    }
  }
});
