/** A run over many files: which is begun when, and what becomes of each. */

import { abortable } from "../net/clock.ts";
import { retryPolicy } from "../net/retry.ts";
import { UploadError } from "../errors.ts";
import { Budget } from "./budget.ts";
import { HeldItem, type SourceFacts, type UploadManyItem } from "./item.ts";
import { PreviousRuns } from "./manifest.ts";
import type { SkippedFile, UploadManyOptions, UploadManySummary } from "./many_options.ts";
import { Puller } from "./puller.ts";
import { type Ended, Reports } from "./reports.ts";
import { SeenNames } from "./seen_names.ts";
import { Tally } from "./tally.ts";
import type { UploadProgress } from "../upload/upload_options.ts";
import { SlotLease } from "./slot_lease.ts";
import {
  existsAlready,
  forgetKept,
  isLarge,
  itemUpload,
  memoryOf,
  PIECES,
  uploadItem,
  uploadLarge,
} from "./upload_item.ts";

/**
 * How many files are uploaded at once. Where replies take 20 ms, small files are twice as fast as with 16, and not yet at the
 * limit of a processor; close to the server it is about as fast as with 8, within what measuring varies (docs/performance.md).
 */
const CONCURRENCY = 32;

/** How many bytes all uploads may hold. */
const MEMORY_LIMIT = 128 * 1024 * 1024;

/**
 * A run of uploadMany.
 *
 * Invariants: an item is pulled only when a slot is free; each item that was pulled ends in one result; when `finish` settles,
 * nothing of the run goes on but what nobody can stop: a source that is being opened, an iterable that was asked.
 */
export class Run<I extends UploadManyItem> {
  readonly #options: UploadManyOptions<I>;
  /** Those of a large file. */
  readonly #connections: number;
  readonly #files: Puller<I>;
  readonly #slots: Budget;
  readonly #memory: Budget;
  readonly #tally: Tally<I>;
  readonly #reports: Reports<I>;
  readonly #seen = new SeenNames();
  readonly #pulling = new AbortController();
  /** A controller for each file, since Node warns when many listen to one signal. */
  readonly #active = new Map<AbortController, Promise<void>>();
  #previous: PreviousRuns | undefined;
  #ended: { readonly error: unknown; readonly reason: unknown } | undefined;

  constructor(files: Iterable<I> | AsyncIterable<I>, options: UploadManyOptions<I>) {
    const { concurrency = CONCURRENCY, memoryLimit = MEMORY_LIMIT, onProgress } = options;
    this.#options = options;
    this.#connections = Math.min(options.large?.connections ?? 1, concurrency);
    this.#slots = new Budget(concurrency);
    this.#memory = new Budget(memoryLimit);
    this.#tally = new Tally(onProgress, retryPolicy(options.retry).clock, (e) => this.#end(e));
    this.#files = new Puller(files);
    this.#reports = new Reports(options);
  }

  get summary(): UploadManySummary {
    return this.#tally.summary;
  }

  async finish(): Promise<UploadManySummary> {
    const { signal } = this.#options;
    const onAbort = () => this.#end(signal!.reason, signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#readManifest();
      await this.#beginAll();
    } catch (error) {
      this.#end(error);
    }
    await Promise.all(this.#active.values());
    signal?.removeEventListener("abort", onAbort);
    this.#files.release();
    this.#reports.release();
    this.#tally.ended();
    if (this.#ended) throw this.#ended.error;
    return this.summary;
  }

  /** Ends the run early, with this error: nothing more is begun, and what was begun stops with `reason`. */
  #end(
    error: unknown,
    reason: unknown = new DOMException("The run has ended early", "AbortError"),
  ) {
    if (this.#ended) return;
    this.#ended = { error, reason };
    this.#pulling.abort(reason);
    for (const controller of this.#active.keys()) controller.abort(reason);
  }

  async #readManifest(): Promise<void> {
    const { manifest, bucket } = this.#options;
    if (manifest?.previous === undefined) return;
    const reading = PreviousRuns.read(manifest.previous, bucket);
    this.#previous = await abortable(reading, this.#pulling.signal);
    if (this.#previous.isTorn) await this.#reports.endLine();
  }

  async #beginAll(): Promise<void> {
    const { signal } = this.#pulling;
    for (;;) {
      const free = await this.#slots.take(1, signal);
      const next = await this.#files.next(signal);
      if (next === undefined) return free();
      this.#begin(next.item, free);
    }
  }

  #begin(item: I, free: () => void): void {
    const controller = new AbortController();
    // Later, so that whatever ends the run meanwhile finds it among the active ones.
    const lease = new SlotLease(this.#slots, free);
    const running = Promise.resolve().then(() => this.#run(item, lease, controller.signal))
      .catch((error) => this.#end(error)) // an item that throws when it is looked at
      .finally(() => {
        this.#active.delete(controller);
        lease.release();
      });
    this.#active.set(controller, running);
    if (this.#ended) controller.abort(this.#ended.reason);
  }

  /** Brings a file to its end and tells of it. */
  async #run(item: I, lease: SlotLease, signal: AbortSignal): Promise<void> {
    const { name } = item;
    const [held, entry] = [new HeldItem(item), this.#tally.begin(item)];
    const ended = await this.#endOf(item, held, entry, lease, signal).catch((error): Ended<I> => ({
      result: { status: "failed", name, item, error },
      isUnwritten: error instanceof DuplicateName,
    }));
    const { result } = ended;
    const isFailed = result.status === "failed";
    await held.close(isFailed ? result.error : undefined, signal);
    this.#tally.end(entry, result);
    if (isFailed && this.#options.stopOnError) this.#end(result.error);
    await this.#reports.tell(ended).catch((error) => this.#end(error));
  }

  /** What becomes of a file that can be uploaded, or need not be. */
  async #endOf(
    item: I,
    held: HeldItem,
    entry: symbol,
    lease: SlotLease,
    signal: AbortSignal,
  ): Promise<Ended<I>> {
    const { name } = item;
    signal.throwIfAborted();
    if (!this.#seen.add(name)) throw new DuplicateName(name);
    const upload = itemUpload(item, this.#options);
    const skipped = (reason: SkippedFile["reason"]): Ended<I> => ({
      result: { status: "skipped", name, item, reason },
      isUnwritten: reason === "manifest",
    });
    const { size, lastModified } = item;
    const isKnown = size !== undefined && lastModified !== undefined;
    if (isKnown && this.#isDone(name, item)) return skipped("manifest");
    const opened = await held.open(signal);
    if (!isKnown && this.#isDone(name, opened)) return skipped("manifest");
    const large = this.#options.large;
    if (await existsAlready(upload, opened, signal)) {
      await forgetKept(upload, opened, large, signal);
      return skipped("exists");
    }
    const by = large && await isLarge(upload, opened, large, signal) ? large : undefined;
    if (by) await lease.widen(this.#connections, signal);
    const memory = by ? this.#connections * PIECES : memoryOf(opened, this.#options.chunkSize);
    const free = await this.#memory.take(memory, signal);
    try {
      const onProgress = (progress: UploadProgress) => this.#tally.moved(entry, progress);
      const hooks = { signal, onProgress };
      const object = by
        ? await uploadLarge(upload, opened, by, { ...hooks, concurrency: this.#connections })
        : await uploadItem(upload, opened, hooks);
      return {
        result: { status: "uploaded", name, item, object },
        lastModified: opened.lastModified,
      };
    } catch (error) {
      if (upload.skipExisting && isPrecondition(error)) return skipped("exists");
      throw error;
    } finally {
      free();
    }
  }

  #isDone(name: string, facts: Partial<SourceFacts>): boolean {
    return this.#previous?.has(name, facts, this.#options.skipExisting === true) ?? false;
  }
}

function isPrecondition(error: unknown): boolean {
  return error instanceof UploadError && error.code === "precondition_failed";
}

/** The error of a second item of a name. */
class DuplicateName extends RangeError {
  constructor(name: string) {
    super(
      `name: expected each name once in a run, got ${JSON.stringify(name).slice(0, 100)} again`,
    );
  }
}
