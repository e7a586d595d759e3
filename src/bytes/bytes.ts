/** Bytes in memory, whatever they came in. */

/** Memory of its own, as `fetch` wants it for a body. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** What holds bytes in memory; `BufferSource`, and shared memory too. */
export type ByteContainer = ArrayBufferLike | ArrayBufferView;

/**
 * The bytes in a buffer or under a view, of this realm or of another one (an iframe, a test runner's sandbox): no copy,
 * unless the memory is shared or can be resized, which no `fetch` takes as a body. `undefined` for anything else.
 */
export function bytesOf(value: unknown): Bytes | undefined {
  const view = viewOf(value);
  if (!view) return undefined;
  const buffer: ArrayBufferLike & { resizable?: boolean } = view.buffer;
  const isPlain = kindOf(buffer) === "ArrayBuffer" && buffer.resizable !== true;
  return isPlain ? view as Bytes : new Uint8Array(view);
}

/** The bytes where they are, even in memory that others can change: good for being copied at once, and for nothing else. */
export function viewOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const isBuffer = kindOf(value) === "ArrayBuffer" || kindOf(value) === "SharedArrayBuffer";
  return isBuffer ? new Uint8Array(value as ArrayBufferLike) : undefined;
}

/** Pieces, one behind the other, in memory of their own. */
export function concat(pieces: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The name of a value's kind, as its realm gives it: "ArrayBuffer", "Null", "Uint8Array". */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
