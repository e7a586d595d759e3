/**
 * The body of a request, read once, counted, and cut where a fault says so.
 *
 * @module
 */

/** Thrown out of a body whose request is to fail at this point, by an injected fault. */
export class InjectedCut extends Error {
  override readonly name: string = "InjectedCut";
}

/** A body that is read piece by piece. */
export class IncomingBody {
  /** The number of bytes the request announces, or `null` if that is known only at its end. */
  readonly length: number | null;
  readonly #bytes: Uint8Array | null;
  readonly #stream: ReadableStream<Uint8Array> | null;
  readonly #signal: AbortSignal | undefined;
  #received = 0;
  #watch: (received: number) => void = () => {};
  #limit = Infinity;
  #pauseAt = Infinity;
  #pause: () => Promise<void> = () => Promise.resolve();
  #started = false;

  private constructor(
    bytes: Uint8Array | null,
    stream: ReadableStream<Uint8Array> | null,
    length: number | null,
    signal: AbortSignal | undefined,
  ) {
    if (stream?.locked) throw new TypeError("The body of the request is locked");
    this.#bytes = bytes;
    this.#stream = stream;
    this.length = length;
    this.#signal = signal;
  }

  /** A body that is in memory. It is not copied. */
  static ofBytes(bytes: Uint8Array, signal: AbortSignal | undefined): IncomingBody {
    return new IncomingBody(bytes, null, bytes.length, signal);
  }

  /** A body that streams. */
  static ofStream(
    stream: ReadableStream<Uint8Array>,
    length: number | null,
    signal: AbortSignal | undefined,
  ): IncomingBody {
    return new IncomingBody(null, stream, length, signal);
  }

  /** How many bytes have been taken so far. */
  get received(): number {
    return this.#received;
  }

  /** Whether this is known to have no bytes at all. */
  get empty(): boolean {
    return this.#stream === null && this.length === 0;
  }

  /** Calls back with the number of bytes taken so far, whenever it has grown. */
  watch(callback: (received: number) => void): void {
    this.#watch = callback;
  }

  /** Makes the body fail with {@linkcode InjectedCut} after `limit` bytes, or at its end if that is earlier. */
  cutAfter(limit: number): void {
    this.#limit = limit;
  }

  /** Makes the body wait after `bytes`, if it has as many. */
  pauseAfter(bytes: number, pause: () => Promise<void>): void {
    this.#pauseAt = bytes;
    this.#pause = pause;
  }

  /**
   * The pieces of the body, once.
   *
   * @throws the signal's reason, what the stream throws, {@linkcode InjectedCut}, or a `TypeError` if
   * a stream does not have the announced length.
   */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    this.#signal?.throwIfAborted();
    this.#started = true;
    if (this.#bytes) {
      const bytes = this.#bytes.subarray(0, this.#limit);
      this.#received = bytes.length;
      this.#watch(this.#received);
      if (bytes.length > 0) yield* this.#paused(bytes, 0);
    } else {
      for await (const piece of this.#streamed(this.#stream!)) {
        yield* this.#paused(piece, this.#received - piece.length);
      }
    }
    if (this.#limit !== Infinity) throw new InjectedCut();
  }

  /** Reads and forgets the rest. */
  async drain(): Promise<void> {
    if (this.#started) return;
    for await (const _piece of this.pieces()) {
      // counted, not wanted
    }
  }

  /** All of it in memory. */
  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pieces()) pieces.push(piece.slice());
    const all = new Uint8Array(this.#received);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  /** Gives up the body if nobody has read it; as in `fetch`, nobody waits for what its source makes of that. */
  cancel(reason?: unknown): void {
    if (this.#started || !this.#stream || this.#stream.locked) return;
    this.#started = true;
    this.#stream.cancel(reason).catch(() => {});
  }

  /** A piece that begins at `start`, with the pause where it is due. */
  async *#paused(piece: Uint8Array, start: number): AsyncGenerator<Uint8Array, void, void> {
    const before = this.#pauseAt - start;
    if (before < 0 || before > piece.length) return yield piece;
    if (before > 0) yield piece.subarray(0, before);
    this.#pauseAt = Infinity;
    await this.#pause();
    if (before < piece.length) yield piece.subarray(before);
  }

  async *#streamed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    const reader = stream.getReader();
    const abort = () => void reader.cancel(this.#signal?.reason).catch(() => {});
    this.#signal?.addEventListener("abort", abort, { once: true });
    let ended = false;
    try {
      while (this.#received < this.#limit) {
        const { done, value } = await reader.read().catch((error) => this.#failed(error));
        this.#signal?.throwIfAborted();
        if (done) {
          ended = true;
          break;
        }
        yield this.#take(value);
      }
      if (ended) this.#checkLength();
    } finally {
      this.#signal?.removeEventListener("abort", abort);
      if (!ended) void reader.cancel().catch(() => {});
      reader.releaseLock();
    }
  }

  /** A body that fails makes `fetch` reject with a `TypeError`, if it is not the signal's doing. */
  #failed(error: unknown): never {
    this.#signal?.throwIfAborted();
    throw new TypeError("fetch failed: the body of the request failed", { cause: error });
  }

  #take(value: unknown): Uint8Array {
    if (!(value instanceof Uint8Array)) {
      throw new TypeError("A stream used as a body must give Uint8Array");
    }
    const piece = value.subarray(0, this.#limit - this.#received);
    this.#received += piece.length;
    this.#watch(this.#received);
    if (this.length !== null && this.#received > this.length) this.#checkLength();
    return piece;
  }

  #checkLength(): void {
    if (this.length === null || this.length === this.#received) return;
    throw new TypeError(
      `The body has ${this.#received} byte(s), but ${this.length} were announced`,
    );
  }
}
