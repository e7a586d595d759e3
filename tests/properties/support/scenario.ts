// One upload of one file over a bad network, and the rules that its outcome keeps.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ResumableUpload,
  type ResumableUploadOptions,
  type Transport,
  UploadError,
  type UploadErrorCode,
  type UploadProgress,
} from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import type { FakeClock } from "../../support/fake_clock.ts";
import { faults } from "./faults.ts";
import { type NetworkFault, networkFaults } from "./network.ts";
import {
  fileOf,
  type Kind,
  kinds,
  knowsSize,
  type Meter,
  QUANTUM,
  sizes,
  sourceOf,
  steps,
} from "./sources.ts";

/** More attempts than there are failures. */
export const PATIENT = 40;

/** What is drawn at random. */
export interface Scenario {
  readonly kind: Kind;
  readonly size: number;
  /** Quanta of a chunk. */
  readonly quanta: number;
  /** Sizes of the source's pieces. */
  readonly steps: number[];
  readonly checksum: "auto" | "crc32c" | "md5" | null;
  /** By how much the declared size differs from the true one; `undefined` where none is declared. */
  readonly declared: number | undefined;
  readonly streamFinal: boolean;
  readonly runningHash: boolean;
  /** Whether the library retries, or the caller does. */
  readonly loop: "retry" | "manual";
  readonly maxAttempts: number;
  /** What goes wrong at Google. */
  readonly faults: Fault[];
  /** What goes wrong on the way there. */
  readonly networkFaults: NetworkFault[];
}

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  kind: kinds,
  size: sizes,
  quanta: fc.integer({ min: 1, max: 3 }),
  steps,
  checksum: fc.constantFrom("auto", "auto", "auto", "crc32c", "md5", null),
  declared: fc.constantFrom(undefined, undefined, 0, 0, 0, 1, -1, QUANTUM, -QUANTUM),
  streamFinal: fc.boolean(),
  runningHash: fc.boolean(),
  loop: fc.constantFrom("retry", "retry", "manual"),
  maxAttempts: fc.constantFrom(2, 5, PATIENT, PATIENT),
  faults,
  networkFaults,
}).map(possible);

/** The time at Google; it stands still, so that the first object has a known generation. */
const NOW = Date.UTC(2026, 0, 1);
const FIRST_GENERATION = String(NOW * 1000);
export const BUCKET = "my-bucket", NAME = "a";
const GOOGLE = "https://storage.googleapis.com";

/** Where uploads are started. */
export function startAt(origin: string): string {
  return `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable`;
}

/** Without what cannot be: a known size declared wrongly, or damage that nobody wants to hear of. */
function possible(scenario: Scenario): Scenario {
  const { kind, size, checksum } = scenario;
  const declared = scenario.declared && (knowsSize(kind) || size + scenario.declared < 0)
    ? 0
    : scenario.declared;
  const faults = checksum === null
    ? scenario.faults.filter(({ corrupt }) => corrupt === undefined)
    : scenario.faults;
  return { ...scenario, declared, faults };
}

/** Google, as a scenario has it. */
export function google({ checksum, runningHash, faults }: Scenario, clock: FakeClock): GcsEmulator {
  const gcs = new GcsEmulator({
    runningHash,
    md5: checksum === "md5",
    now: () => NOW,
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
  });
  gcs.inject(...faults);
  return gcs;
}

/** What the client saw. */
export interface Outcome {
  /** What ended it, unless it finished. */
  readonly error: unknown;
  readonly upload: ResumableUpload;
  readonly progress: readonly UploadProgress[];
  /** The most bytes that were read and not yet confirmed. */
  readonly held: number;
  readonly clock: FakeClock;
}

/** Uploads, with the library's own retrying or with that of a patient caller. */
export async function run(
  scenario: Scenario,
  transport: Transport,
  clock: FakeClock,
  options: ResumableUploadOptions = {},
  origin: string = GOOGLE,
): Promise<Outcome> {
  const { kind, size, quanta, steps, checksum, declared, streamFinal, loop, maxAttempts } =
    scenario;
  const meter: Meter = { handedOut: 0 };
  let [held, confirmed] = [0, 0];
  meter.onRead = () => held = Math.max(held, meter.handedOut - confirmed);
  const progress: UploadProgress[] = [];
  const retry = loop === "manual" ? null : { clock, maxAttempts, maxElapsed: Infinity };
  const upload = new ResumableUpload(startAt(origin), quanta * QUANTUM, {
    ...options,
    retry,
    checksum,
    onProgress: (report) => {
      progress.push(report);
      confirmed = report.persisted;
    },
  });
  const source = sourceOf(kind, fileOf(size), steps, meter);
  const total = declared === undefined ? undefined : size + declared;
  const begin = () =>
    upload.initiate(transport, source, { name: NAME }, "text/plain", {
      totalBytes: total,
      streamFinal,
    });
  let error: unknown;
  try {
    if (retry) {
      await begin();
      while (!upload.finished) await upload.transmitNextChunk(transport);
    } else {
      await byHand(upload, transport, begin);
    }
  } catch (thrown) {
    error = thrown;
  }
  return { error, upload, progress, held, clock };
}

const MAY_PASS: readonly UploadErrorCode[] = [
  "unavailable",
  "transport_failed",
  "deadline_exceeded",
  "invalid_response",
];

/** The loop of a caller that retries by itself. */
export async function byHand(
  upload: ResumableUpload,
  transport: Transport,
  begin: () => Promise<unknown>,
): Promise<void> {
  for (let failures = 0; !upload.finished;) {
    try {
      if (upload.resumableUrl === undefined) await begin();
      else if (upload.invalid) await upload.recover(transport);
      else await upload.transmitNextChunk(transport);
    } catch (error) {
      const mayPass = error instanceof UploadError && MAY_PASS.includes(error.code);
      if (!mayPass || ++failures >= PATIENT) throw error;
    }
  }
}

/** The rules of every outcome: the exact object once, or a typed error and no wrong object. */
export function checkOutcome(
  scenario: Scenario,
  { error, upload, progress, held }: Outcome,
  gcs: GcsEmulator,
): void {
  const { size, kind, declared, checksum } = scenario;
  checkObject(gcs, [fileOf(size)]);
  if (error === undefined) {
    assert(upload.finished && gcs.get(BUCKET, NAME), "finished without an object");
    assert(declared === undefined || declared === 0, "finished with another size than declared");
    assertEquals(progress.at(-1), {
      sent: size,
      persisted: size,
      total: size,
      resumedFrom: 0,
    });
  } else {
    if (!(error instanceof UploadError)) throw error;
    assert(!upload.finished, "an error and yet finished");
  }
  if (declared) assertEquals(gcs.objects.length, 0, "an object of another size than declared");
  let before = { sent: 0, persisted: 0 };
  for (const now of progress) {
    assert(now.sent >= before.sent && now.persisted >= before.persisted, "progress went down");
    const most = Math.min(size, now.total ?? size);
    assert(now.persisted <= now.sent && now.sent <= most, "more progress than bytes");
    before = now;
  }
  const chunk = scenario.quanta * QUANTUM;
  const inPieces = ["stream", "iterable", "reusing iterable", "slow iterable"].includes(kind);
  const piece = inPieces ? Math.max(...scenario.steps) : 1;
  assert(held <= 2 * chunk + piece, `${held} bytes held, with chunks of ${chunk}`);
  if (checksum !== null && error === undefined) {
    assert(upload.object?.crc32c !== undefined, "finished without a checksum");
  }
}

/** At most one object was ever made, which its generation shows, and it is one of these. */
export function checkObject(gcs: GcsEmulator, allowed: readonly Uint8Array[]): void {
  const finished = gcs.sessions.filter(({ phase }) => phase === "finished");
  assert(finished.length <= 1, `${finished.length} sessions have finished`);
  const object = gcs.get(BUCKET, NAME);
  assert(gcs.objects.length <= 1, `${gcs.objects.length} objects`);
  if (!object) return;
  assertEquals(object.generation, FIRST_GENERATION, "the object was stored more than once");
  assert(
    allowed.some((bytes) => sameBytes(object.bytes!, bytes)),
    `the object of ${object.size} bytes is none that was uploaded`,
  );
}

/** Compares in a plain loop: a message would have a million numbers, and a callback for each byte takes ten times as long. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** How many requests Google made fail. */
export function faultsOf(gcs: GcsEmulator): number {
  return gcs.requests.filter(({ fault }) => fault !== null).length;
}
