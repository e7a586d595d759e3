/** A parallel upload from its first part to its object: what is on its way, what is stored, and what remains of a failure. */

import type { Bytes } from "../bytes/bytes.ts";
import { type RandomAccessSource, sizeMismatch } from "../bytes/random_access.ts";
import type { SequentialSource } from "../bytes/sequential.ts";
import type { Source } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";
import { abortable, linkSignals } from "../net/clock.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { compareClaims } from "../upload/claimed_checksums.ts";
import type { Progress } from "../upload/upload_progress.ts";
import { type Assembly, cleanUpPolicy, inCleanUpTime, type WholeObject } from "./assembly.ts";
import { Budget } from "./budget.ts";
import type { ParallelCheckpoint, StoredPart } from "./parallel_checkpoint.ts";
import { combined, openComposition } from "./composition.ts";
import { finishedElsewhere } from "./finished_elsewhere.ts";
import { KeptParts } from "./kept_parts.ts";
import { PartsLeftBehind } from "./left_behind.ts";
import { openMultipart } from "./multipart_assembly.ts";
import { held, sliceOf } from "./part_source.ts";
import { StoredPartSender } from "./stored_part_sender.ts";
import { MAX_PARTS, type PartPlan, type PartRange, partRanges, partSizeOf } from "./plan.ts";
import type { ParallelSetup } from "./parallel_settings.ts";
import { Checkpoints, Tracker } from "./tracker.ts";

/** The first part of a sequential source, where somebody has read it already. */
export interface Begun {
  bytes: Bytes | undefined;
}

/** What is uploaded, and how. */
export interface RunInput {
  readonly setup: ParallelSetup;
  readonly source: Source;
  readonly plan: PartPlan;
  readonly progress: Progress;
  /** The declared size, or that of the source. */
  readonly total: number | undefined;
  readonly lastModified: number | undefined;
  readonly identity: string | undefined;
  readonly from: ParallelCheckpoint | undefined;
  /** What was read already of a sequential source; emptied when it is taken, since it is held no longer than other parts. */
  readonly begun: Begun;
  /** Whether stored parts are read again. */
  readonly verifies: boolean;
  readonly onCheckpoint: ((checkpoint: ParallelCheckpoint) => void | Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Uploads all parts, and makes the object of them. */
export async function runParallel(input: RunInput): Promise<StorageObject> {
  const { setup, from, signal } = input;
  const stop = new AbortController();
  const linked = linkSignals([signal, stop.signal]);
  try {
    const open = setup.via === "multipart" ? openMultipart : openComposition;
    const assembly = await open(setup, from?.uploadId, linked.signal);
    const run = new Run(input, assembly, linked.signal, (reason) => stop.abort(reason));
    try {
      return await run.upload();
    } catch (error) {
      stop.abort(error);
      const object = await run.endedElsewhere(error);
      if (object) return object;
      await run.settle(error);
      throw error;
    }
  } finally {
    linked.unlink();
  }
}

/** The object of an upload that was finished before it was taken up. */
interface Before {
  readonly object: StorageObject;
  /** Whether all of the source was compared with it. */
  readonly isCompared: boolean;
}

/** The state of one upload. */
class Run {
  readonly #input: RunInput;
  readonly #assembly: Assembly;
  readonly #signal: AbortSignal;
  readonly #stop: (reason: unknown) => void;
  readonly #tracker: Tracker;
  readonly #checkpoints: Checkpoints;
  readonly #sender: StoredPartSender;
  /** Parts that may be on their way at the same time. */
  readonly #slots: Budget;
  /** Bytes that may be held for them; one part is sent however large it is. */
  readonly #memory: Budget;
  readonly #working = new Set<Promise<void>>();
  readonly #kept: KeptParts;
  #isFinished = false;

  constructor(
    input: RunInput,
    assembly: Assembly,
    signal: AbortSignal,
    stop: (reason: unknown) => void,
  ) {
    const { setup: { concurrency }, source, plan, progress, total, onCheckpoint } = input;
    this.#input = input;
    this.#assembly = assembly;
    this.#signal = signal;
    this.#stop = stop;
    this.#tracker = new Tracker(progress, total);
    this.#checkpoints = new Checkpoints(() => this.#checkpoint(), onCheckpoint);
    this.#sender = new StoredPartSender(input.setup, assembly);
    this.#kept = new KeptParts(input.verifies, input.setup.checksum);
    this.#slots = new Budget(concurrency);
    const isHeld = source.kind === "sequential";
    this.#memory = new Budget(isHeld ? concurrency * plan.partSize : Infinity);
  }

  async upload(): Promise<StorageObject> {
    const { source, from } = this.#input;
    if (!from) this.#tracker.begin([]);
    const before = from && await this.#takeUp(from);
    if (before?.isCompared) return this.#endedBefore(before.object);
    if (!before) await abortable(this.#checkpoints.note(), this.#signal);
    const size = source.kind === "random-access"
      ? await this.#sendSlices(source)
      : await this.#sendPieces(source);
    await this.#allWorked();
    this.#tracker.total = size;
    const whole = this.#whole(size);
    compareClaims(this.#input.setup.claimed, { crc32c: whole.crc32c });
    return this.#ended(before?.object ?? await this.#finish(whole), size);
  }

  /** The object of an upload that was taken up and is gone, if that is because somebody has finished it. */
  async endedElsewhere(error: unknown): Promise<StorageObject | undefined> {
    const isGone = error instanceof UploadError && error.code === "session_gone";
    if (!this.#input.from || !isGone) return undefined;
    await Promise.allSettled(this.#working);
    const object = await this.#finishedElsewhere(this.#input.signal);
    return object && this.#endedBefore(object);
  }

  /** What cannot be looked at, or read, is not known to be finished: what comes of that, the upload tells. */
  async #finishedElsewhere(signal: AbortSignal | undefined): Promise<StorageObject | undefined> {
    const { setup, source } = this.#input;
    return await finishedElsewhere(setup, source, signal).catch(() => {
      signal?.throwIfAborted();
      return undefined;
    });
  }

  /** Ends what is on its way, and removes what is stored, unless a checkpoint may go on with it. */
  async settle(error: unknown): Promise<void> {
    await Promise.allSettled(this.#working);
    const { setup: { policy, via }, onCheckpoint, from } = this.#input;
    const isResumable = onCheckpoint !== undefined || from !== undefined;
    const isFinal = error instanceof UploadError && error.code === "precondition_failed";
    if (this.#isFinished || (isResumable && !isFinal)) return;
    try {
      const discarding = this.#assembly.discardAll(cleanUpPolicy(policy));
      await inCleanUpTime(discarding, policy.clock);
    } catch (problem) {
      const what = via === "multipart" ? "the parts of the upload" : "the temporary objects";
      const why = problem instanceof Error ? problem.message : String(problem);
      throw new PartsLeftBehind(
        this.#checkpoint(),
        `Cannot remove ${what} after the upload failed: ${why}`,
        error,
      );
    }
  }

  /** Looks at what is left of an upload that was interrupted; returns its object where it was finished. */
  async #takeUp(from: ParallelCheckpoint): Promise<Before | undefined> {
    const isWhole = from.totalBytes !== undefined && from.parts.length > 0 &&
      from.parts.reduce((size, part) => size + part.size, 0) === from.totalBytes &&
      from.parts.every(({ number }, i) => number === i + 1);
    const whole = isWhole ? combined(from.parts.map(plain)) : undefined;
    const remains = await this.#assembly.remains(from.parts, whole);
    const parts = remains.kind === "finished" ? from.parts : remains.parts;
    this.#kept.keep(parts);
    this.#tracker.begin(parts);
    if (remains.kind === "finished") return { object: remains.object, isCompared: false };
    // Temporary objects go when they are composed: also those of which the last checkpoint that was kept knows nothing.
    const { via } = this.#input.setup;
    const isUsedUp = via === "compose" && parts.length === 0 && from.parts.length > 0;
    const object = isUsedUp && await this.#finishedElsewhere(this.#signal);
    return object ? { object, isCompared: true } : undefined;
  }

  #ended(object: StorageObject, size: number): StorageObject {
    this.#isFinished = true;
    this.#tracker.finished(size);
    return object;
  }

  #endedBefore(object: StorageObject): StorageObject {
    this.#isFinished = true;
    this.#tracker.finishedBefore(Number(object.size));
    return object;
  }

  /** Sends the slices of a source that can be read anywhere; returns its size. */
  async #sendSlices(source: RandomAccessSource): Promise<number> {
    const { plan } = this.#input;
    const signal = this.#signal;
    for (const range of partRanges(plan, source.size)) {
      const release = await this.#room(0);
      const before = this.#kept.at(range);
      const work = before
        ? async () =>
          this.#compared(before, await this.#kept.verified(before, range, source, signal))
        : () => this.#send(range, sliceOf(source, range), false);
      this.#begin(release, work);
    }
    return source.size;
  }

  /** Sends a source that is read once, of which each part is held until it is stored; returns its size. */
  async #sendPieces(source: SequentialSource): Promise<number> {
    const { plan, total } = this.#input;
    let offset = 0;
    for (let number = 1;; number++) {
      const size = partSizeOf(plan, number);
      const release = await this.#room(size);
      const bytes = await this.#readPiece(source, number, offset, size);
      if (bytes.length > 0 || number === 1) {
        const range = { number, offset, size: bytes.length };
        const before = this.#kept.at(range);
        const work = before
          ? () => this.#compared(before, this.#kept.compared(before, bytes))
          : () => this.#send(range, held(bytes), true);
        this.#begin(release, work);
      }
      offset += bytes.length;
      if (bytes.length === size) continue;
      if (total !== undefined && offset !== total) throw sizeMismatch(total, `only ${offset}`);
      return offset;
    }
  }

  /** The bytes of the next part; fewer at the end of the source. */
  async #readPiece(
    source: SequentialSource,
    number: number,
    offset: number,
    size: number,
  ): Promise<Bytes> {
    const { total, begun, setup: { via } } = this.#input;
    const bytes = begun.bytes ?? await abortable(source.read(size), this.#signal);
    begun.bytes = undefined;
    if (total !== undefined && offset + bytes.length > total) throw sizeMismatch(total, "more");
    if (via === "multipart" && number > MAX_PARTS && bytes.length > 0) {
      throw new RangeError(
        `Cannot upload the source: expected at most ${MAX_PARTS} parts, got more; partSize must be larger`,
      );
    }
    return bytes;
  }

  async #send(range: PartRange, bytes: RandomAccessSource, isHeld: boolean): Promise<void> {
    const onTaken = (taken: number) => this.#tracker.took(range.number, taken);
    const part = await this.#sender.send(range, bytes, isHeld, onTaken, this.#signal);
    this.#tracker.stored(part);
    await abortable(this.#checkpoints.note(), this.#signal);
  }

  /** A part from before is what is in the source. */
  #compared(before: StoredPart, part: StoredPart): void {
    if (part !== before) this.#tracker.replace(part);
  }

  /** Waits for room for a part of which so many bytes are held; returns the function that gives it back. */
  async #room(bytes: number): Promise<() => void> {
    const leave = await this.#slots.take(1, this.#signal);
    const free = await this.#memory.take(bytes, this.#signal);
    return () => {
      leave();
      free();
    };
  }

  /** Begins work that has room. What goes wrong in it ends the upload. */
  #begin(release: () => void, work: () => void | Promise<void>): void {
    const working = (async () => {
      try {
        await work();
      } catch (error) {
        this.#stop(error);
      } finally {
        release();
      }
    })();
    this.#working.add(working);
    working.finally(() => this.#working.delete(working));
  }

  async #allWorked(): Promise<void> {
    await Promise.all(this.#working);
    this.#signal.throwIfAborted();
  }

  #whole(size: number): WholeObject {
    const whole = combined(this.#tracker.parts.map(plain));
    if (whole.size === size) return whole;
    if (this.#input.from) {
      throw new UploadError(
        "source_changed",
        `Cannot resume: expected a source of at least the ${whole.size} bytes that are stored, got one of ${size}`,
      );
    }
    throw new UploadError("invalid_state", "Cannot finish: parts of the source are missing");
  }

  async #finish(whole: WholeObject): Promise<StorageObject> {
    await abortable(this.#checkpoints.note(), this.#signal);
    const object = await this.#assembly.finish(this.#tracker.parts, whole);
    this.#isFinished = true;
    return object;
  }

  #checkpoint(): ParallelCheckpoint {
    const { setup: { via, location, contentType }, plan, lastModified, identity } = this.#input;
    const { total: totalBytes, parts } = this.#tracker;
    return {
      version: 1,
      via,
      ...location,
      uploadId: this.#assembly.uploadId,
      partSize: plan.partSize,
      sized: plan.sized,
      ...(totalBytes !== undefined && { totalBytes }),
      ...(lastModified !== undefined && { lastModified }),
      ...(identity !== undefined && { identity }),
      contentType,
      parts,
    };
  }
}

function plain({ size, crc32c }: StoredPart): WholeObject {
  return { size, crc32c };
}
