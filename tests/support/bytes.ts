/** Bytes that differ everywhere and are the same in each run. */
export function patterned(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** The bytes in pieces of the given sizes, over and over. */
export function* pieces(
  bytes: Uint8Array<ArrayBuffer>,
  ...sizes: number[]
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]) {
    yield bytes.slice(at, at + sizes[i % sizes.length]);
  }
}

/** A stream of pieces that can be read in the default way only. */
export function defaultStream(
  items: Iterable<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = items[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

/** A byte stream that hands out at most `step` bytes at a time: into memory of its reader where there is some, else its own. */
export function byteStream(
  bytes: Uint8Array,
  step: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view as Uint8Array | null | undefined;
      const size = Math.min(step, view?.byteLength ?? step, bytes.length - at);
      const piece = bytes.slice(at, at + size);
      at += size;
      if (size === 0) controller.close();
      else if (!view) controller.enqueue(piece);
      else view.set(piece);
      if (view) request!.respond(size);
    },
  }) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** An async iterable of pieces. */
export async function* asyncPieces(
  items: Iterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}
