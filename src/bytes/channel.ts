/** A channel for one writer and one reader: a write settles when its piece is used up, and nothing is copied. */

/**
 * Pieces on their way from a writer to an upload.
 *
 * Invariant: at most one piece is under way, from `write` until the reader asks for the next one. Its memory is the
 * writer's again when its `write` settles.
 */
export class ByteChannel implements AsyncIterableIterator<Uint8Array> {
  #piece: { readonly value: Uint8Array; readonly used: () => void } | undefined;
  #isHandedOut = false;
  #end: "ended" | { readonly error: unknown } | undefined;
  #wake = () => {};

  /** Hands in a piece; settles when it is used up, or rejects when nobody wants it any more. */
  write(value: Uint8Array): Promise<void> {
    if (typeof this.#end === "object") return Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => {
      const used = () => typeof this.#end === "object" ? reject(this.#end.error) : resolve();
      this.#piece = { value, used };
      this.#wake();
    });
  }

  /** No more pieces follow. */
  end(): void {
    this.#end ??= "ended";
    this.#wake();
  }

  /** Nobody wants pieces any more, or none can come; `write` and `next` reject with the error. */
  fail(error: unknown): void {
    if (typeof this.#end === "object") return;
    this.#end = { error };
    this.#settle();
    this.#wake();
  }

  /** The next piece; the one before is used up. */
  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isHandedOut) this.#settle();
    while (!this.#piece && !this.#end) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (typeof this.#end === "object") throw this.#end.error;
    if (!this.#piece) return { done: true, value: undefined };
    this.#isHandedOut = true;
    return { done: false, value: this.#piece.value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #settle(): void {
    const piece = this.#piece;
    this.#piece = undefined;
    this.#isHandedOut = false;
    piece?.used();
  }
}
