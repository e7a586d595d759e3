/// <reference lib="dom" />
/** One file on its way: what it is doing, and what can be done with it. */

import type { StorageObject } from "@resumable-media/upload";
import { type TransferRate, transferRate } from "./transfer_rate.ts";
import type { Cancelled, Sender } from "./sender.ts";
import type { StoredUpload, UploadStore } from "./store.ts";
import type { Problem } from "./error_messages.ts";
import type { AcquireSlot } from "./queue.ts";

/** What an upload is doing. */
export type Phase =
  /** Others come first. */
  | "waiting"
  /** Asking for permission and for a session. */
  | "starting"
  /** Reading again what is stored, to be sure that it is the same file. */
  | "checking"
  | "uploading"
  | "paused"
  /** The file is not there any more; the user has to choose it again. */
  | "needs-file"
  | "failed"
  | "cancelling"
  | "done"
  /** Cancelled, or removed from the list. */
  | "gone";

/** What uploads share. */
export interface TransferContext {
  readonly sender: Sender;
  readonly store: UploadStore;
  readonly acquireSlot: AcquireSlot;
  /** Called after every change. */
  readonly onChange: (transfer: Transfer) => void;
}

/** The reason of an abort that the user asked for. */
const STOPPED = new Error("stopped by the user");

/** One file on its way. */
export class Transfer {
  readonly #context: TransferContext;
  readonly #rate: TransferRate = transferRate();
  #record: StoredUpload;
  #file: File | undefined;
  /** Whether the file is the very one that the bytes sent so far were read from. */
  #sameFile: boolean;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #active = false;
  #phase: Phase = "waiting";
  #sent: number;
  #stored: number;
  #steady = true;
  #problem: Problem | undefined;
  #object: StorageObject | undefined;

  /** An upload of a file, or one from the store whose file may be missing. */
  constructor(record: StoredUpload, file: File | undefined, context: TransferContext) {
    this.#context = context;
    this.#record = record;
    this.#file = file;
    this.#sameFile = record.checkpoint === undefined;
    this.#sent = this.#stored = record.checkpoint?.persisted ?? 0;
    this.#phase = !file ? "needs-file" : record.paused ? "paused" : "waiting";
  }

  /** What is remembered of it. */
  get record(): StoredUpload {
    return this.#record;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Bytes handed to the network. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes that the server has confirmed. */
  get stored(): number {
    return this.#stored;
  }

  /** Whether the last request got through. */
  get steady(): boolean {
    return this.#steady;
  }

  /** What went wrong. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** The finished object. */
  get object(): StorageObject | undefined {
    return this.#object;
  }

  /** Whether the checksum of the finished object is that of the file, as whoever sent it has compared. */
  get compared(): boolean {
    const { sender } = this.#context;
    return this.#object?.crc32c !== undefined && sender.compares?.(this.#record) !== false;
  }

  /** In bytes per second; `undefined` while there is too little to tell. */
  get speed(): number | undefined {
    return this.#phase === "uploading" ? this.#rate.perSecond() : undefined;
  }

  /** Begins, or goes on. */
  async start(): Promise<void> {
    if (this.#active && !this.#abort.signal.aborted) return;
    const abort = this.#abort = new AbortController();
    this.#active = true;
    await this.#running; // what was stopped a moment ago
    if (abort.signal.aborted || !this.#file) return;
    this.#running = this.#run(this.#file, abort.signal);
  }

  /** Stops; what is stored stays. */
  async pause(): Promise<void> {
    this.#abort.abort(STOPPED);
    this.#sent = this.#stored; // what was on its way is lost
    this.#become("paused");
    await this.#remember({ paused: true });
  }

  /** Goes on after a pause or after problem; where the old session is of no use, from the first byte. */
  async resume(): Promise<void> {
    if (this.#problem?.remedy === "restart") this.#forgetSession();
    this.#become("waiting");
    await Promise.all([this.#remember({ paused: false }), this.start()]);
  }

  /** Takes the file that was asked for. Whether it is the right one shows when the upload goes on. */
  async offer(file: File): Promise<void> {
    this.#file = file;
    this.#sameFile = false;
    await this.resume();
  }

  /** Gives the upload up, here and at the server; tells how that went. */
  async cancel(): Promise<Cancelled> {
    this.#abort.abort(STOPPED);
    this.#become("cancelling");
    await this.#running;
    if (this.#object) return "too late";
    const told = await this.#context.sender.cancel(this.#record);
    await this.#context.store.delete(this.#record.id);
    this.#become("gone");
    return told;
  }

  /** Takes a finished upload off the list. */
  dismiss(): void {
    this.#become("gone");
  }

  async #run(file: File, signal: AbortSignal): Promise<void> {
    this.#rate.restart();
    this.#steady = true;
    let releaseSlot: (() => void) | undefined;
    try {
      releaseSlot = await this.#context.acquireSlot(signal);
      this.#object = await this.#upload(file, signal);
      this.#stored = this.#sent = this.#record.size;
      await this.#context.store.delete(this.#record.id); // the checkpoint, too
      this.#become("done");
    } catch (error) {
      if (signal.aborted) return; // whoever stopped it says what it is now
      const problem = this.#context.sender.problemOf(error, this.#record);
      if (problem.remedy === "choose") this.#file = undefined;
      this.#active = false;
      this.#become(problem.remedy === "choose" ? "needs-file" : "failed", problem);
    } finally {
      releaseSlot?.();
    }
  }

  async #upload(file: File, signal: AbortSignal): Promise<StorageObject> {
    return await this.#context.sender.send({
      file,
      record: this.#record,
      sameFile: this.#sameFile,
      signal,
      remember: (change) => this.#remember(change),
      begin: (phase) => this.#become(phase),
      onProgress: ({ sent, persisted, resumedFrom = 0 }) => {
        if (signal.aborted) return;
        this.#sent = Math.max(sent, persisted);
        this.#stored = persisted;
        this.#rate.note(performance.now(), persisted - resumedFrom);
        this.#sameFile = true; // the library has compared what there was to compare
        this.#become("uploading");
      },
      onSteady: (steady) => {
        if (this.#steady === steady || signal.aborted) return;
        this.#steady = steady;
        this.#context.onChange(this);
      },
    });
  }

  #forgetSession(): void {
    const { checkpoint: _, target: __, ...rest } = this.#record;
    this.#record = rest;
    this.#sent = this.#stored = 0;
  }

  /** Notes a change in the store. An upload goes on without it; it could not be resumed, that is all. */
  async #remember(change: Partial<StoredUpload>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await this.#context.store.put(this.#record).catch(() => {});
  }

  #become(phase: Phase, problem?: Problem): void {
    this.#phase = phase;
    this.#problem = problem;
    this.#context.onChange(this);
  }
}
