/**
 * Uploads of all kinds, several at once, for as long as they are told to: web standards only, for every runtime.
 *
 * @module
 */

import {
  type Checkpoint,
  type StorageObject,
  upload,
  type UploadSource,
  uploadStream,
  type UploadTarget,
} from "../../mod.ts";
import { seeded } from "../../src/emulator/faults/fault_plan.ts";
import { type Random, SOURCES } from "./sources.ts";

/** What a runtime is told. */
export interface SoakContext {
  /** The emulator, without a slash at the end. */
  readonly origin: string;
  readonly seed: number;
  readonly seconds: number;
}

/** What came of it. */
export interface SoakReport {
  /** How many uploads ended in which way: `stored`, or the code of an error. */
  readonly outcomes: Record<string, number>;
  /** How many went on from a checkpoint. */
  readonly resumed: number;
  readonly bytes: number;
  readonly samples: readonly Sample[];
}

/** Memory after a number of uploads. */
export interface Sample {
  readonly uploads: number;
  /** Bytes; 0 where the runtime does not tell. */
  readonly heap: number;
  readonly rss: number;
}

/** How many uploads are on their way at once. */
const AT_ONCE = 4;
/** Milliseconds between two samples. */
const INTERVAL = 500;
const MAX_SIZE = 1024 * 1024;
const RETRY = { initialDelay: 2, maxDelay: 20 };

/** What only a pause would explain. */
const PAUSED = new Error("paused");

/** Uploads until the time is over; `memory` tells how much there is in use. */
export async function soak(
  { origin, seed, seconds }: SoakContext,
  memory: () => Pick<Sample, "heap" | "rss">,
): Promise<SoakReport> {
  const end = Date.now() + seconds * 1000;
  const outcomes: Record<string, number> = {};
  const samples: Sample[] = [];
  const pool = randomPool(seed);
  let [uploads, resumed, bytes, next] = [0, 0, 0, Date.now() + INTERVAL];
  const work = async (worker: number) => {
    const random = seeded(seed * 31 + worker);
    while (Date.now() < end) {
      const at = Math.floor(random() * MAX_SIZE);
      const data = pool.subarray(at, at + Math.floor(random() * MAX_SIZE));
      const job = { data, random, onResume: () => void resumed++ };
      const name = `object-${seed}-${uploads++}`;
      const outcome = await one(job, { ...TARGET, endpoint: origin, name });
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      bytes += data.length;
      if (Date.now() < next) continue;
      next = Date.now() + INTERVAL;
      samples.push({ uploads, ...memory() });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
  return { outcomes, resumed, bytes, samples };
}

const TARGET = { bucket: "bucket", retry: RETRY };

interface Job {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly random: Random;
  readonly onResume: () => void;
}

/** One upload: how it ended. */
async function one(job: Job, target: UploadTarget): Promise<string> {
  const { data, random } = job;
  const options = { ...target, chunkSize: (1 + Math.floor(random() * 4)) * 262_144 };
  try {
    const way = random();
    const object = way < 0.2
      ? await piped(job, options)
      : way < 0.3
      ? await upload(new Blob([data]), { ...options, chunkSize: MAX_SIZE, ifGenerationMatch: 0 })
      : await paused(job, options);
    return object.size === String(data.length) ? "stored" : `of ${object.size} bytes`;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Written into a stream; now and then whoever writes gives up. */
async function piped({ data, random }: Job, options: UploadTarget): Promise<StorageObject> {
  const { writable, result } = uploadStream(options);
  const stream = SOURCES.stream(data, random);
  if (random() < 0.9) {
    await stream.pipeTo(writable).catch(() => {}); // `result` tells
    return await result;
  }
  await stream.cancel();
  const writer = writable.getWriter();
  await writer.write(data.slice(0, 400_000)).catch(() => {});
  await writer.abort(PAUSED);
  await result.catch((error) => {
    if (error !== PAUSED) throw error;
  });
  return { size: String(data.length) };
}

/** From a source of any kind; now and then it is stopped, and goes on from its checkpoint. */
async function paused(
  { data, random, onResume }: Job,
  options: UploadTarget,
): Promise<StorageObject> {
  const kinds = Object.values(SOURCES);
  const make = kinds[Math.floor(random() * kinds.length)];
  const source = (): UploadSource => make(data, random);
  if (random() < 0.7) return await upload(source(), options);
  const stop = new AbortController();
  let checkpoint: Checkpoint | undefined;
  const onCheckpoint = (latest: Checkpoint) => {
    checkpoint = latest;
    if (random() < 0.5) stop.abort(PAUSED);
  };
  try {
    return await upload(source(), { ...options, onCheckpoint, signal: stop.signal });
  } catch (error) {
    if (error !== PAUSED || !checkpoint) throw error;
    onResume();
    return await upload(source(), { ...options, checkpoint });
  }
}

function randomPool(seed: number): Uint8Array<ArrayBuffer> {
  const random = seeded(seed);
  const words = new Uint32Array(MAX_SIZE / 2);
  for (let i = 0; i < words.length; i++) words[i] = random() * 4_294_967_296;
  return new Uint8Array(words.buffer);
}
