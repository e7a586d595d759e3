/** A body that is made piece by piece while it is sent. */

import type { Bytes } from "../bytes/bytes.ts";
import { isDisturbed } from "../bytes/disturbed.ts";

/** Where the pieces of a body come from. */
export interface PieceBody {
  /** The size of the whole body in bytes. */
  readonly size: number;
  /** The next piece; `undefined` behind the last one. One call at a time. */
  next(): Promise<Bytes | undefined>;
}

/** Who is told how a body is doing. */
export interface BodyWatcher {
  /** The transport has taken so many bytes, and is waiting for the source now. */
  onTaken(bytes: number): void;
  /** The source has given what the transport was waiting for, or the transport does not want it any more. */
  onReady(): void;
  /** The source has failed. */
  onFailed(): void;
}

function refuseText(): never {
  throw new TypeError("The body is a stream, and cannot be sent as text");
}

/** Cloudflare's stream that knows its length; it is missing elsewhere. */
type FixedLength = new (length: number) => {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
};

/**
 * A stream of pieces for one request.
 *
 * What is behind it stops at once when the request has ended (`stop`): runtimes go on reading a body that nobody wants,
 * and a body that ends instead of failing would finish an object too early.
 */
export class StreamedBody {
  /** What `fetch` is given. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #pieces: PieceBody;
  readonly #watcher: BodyWatcher;
  #handed = 0;
  #taken = 0; // some megabytes of them may still be in the transport's buffers
  #failure: { readonly error: unknown } | undefined;
  #stop: ((reason: unknown) => void) | undefined;

  constructor(pieces: PieceBody, watcher: BodyWatcher) {
    this.#pieces = pieces;
    this.#watcher = watcher;
    const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLength };
    this.stream = FixedLengthStream ? this.#fixedLength(FixedLengthStream) : this.#pulled();
    // A transport that knows no streams makes text of one, or a Blob of that text: then these words would be the object.
    Object.defineProperty(this.stream, Symbol.toPrimitive, { value: refuseText });
  }

  /** Whether nobody has so much as looked at it: the transport may not know what a stream is. */
  get isUntouched(): boolean {
    return this.#taken === 0 && !this.stream.locked && !isDisturbed(this.stream);
  }

  /** Whether the transport has taken all of it. */
  get allTaken(): boolean {
    return this.#taken === this.#pieces.size;
  }

  /** What the source has thrown. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Ends the stream with an error, whatever is left of it; the source is not read from any more. */
  stop(reason: unknown): void {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.(reason);
  }

  /** The transport wants no more of it, but the request goes on. */
  #cancelled(): void {
    if (!this.#isWanted()) return;
    this.#stop = undefined;
    this.#watcher.onReady();
  }

  #isWanted(): boolean {
    return this.#stop !== undefined;
  }

  #pulled(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stop = (reason) => controller.error(reason);
      },
      pull: async (controller) => {
        const piece = await this.#next();
        if (!this.#isWanted()) return;
        if (piece) controller.enqueue(piece);
        else {
          this.#stop = undefined;
          controller.close();
        }
      },
      cancel: () => this.#cancelled(),
    }, { highWaterMark: 1 });
  }

  /** Workers end a plain stream that fails as if it were whole, and keep the length only of this kind of stream. */
  #fixedLength(Stream: FixedLength): ReadableStream<Uint8Array> {
    const { readable, writable } = new Stream(this.#pieces.size);
    const writer = writable.getWriter();
    this.#stop = (reason) => void writer.abort(reason).catch(() => {});
    writer.closed.catch(() => this.#cancelled());
    const write = async () => {
      for (;;) {
        await writer.ready;
        const piece = await this.#next();
        if (!this.#isWanted()) return;
        if (!piece) break;
        await writer.write(piece);
      }
      this.#stop = undefined;
      await writer.close();
    };
    write().catch(() => {}); // the request fails with it
    return readable;
  }

  /** The next piece. Whatever was handed over before has been taken when the transport asks for more. */
  async #next(): Promise<Bytes | undefined> {
    if (!this.#isWanted()) return undefined;
    this.#taken = this.#handed;
    this.#watcher.onTaken(this.#taken);
    if (!this.#isWanted()) return undefined;
    try {
      const piece = await this.#pieces.next();
      this.#handed += piece?.length ?? 0;
      if (this.#isWanted()) this.#watcher.onReady();
      return piece;
    } catch (error) {
      if (!this.#isWanted()) return undefined;
      this.#failure = { error };
      this.stop(error);
      this.#watcher.onFailed();
      return undefined;
    }
  }
}
