/**
 * Stands in for `jsr:@std/streams` where JSR cannot be reached: the functions that our tests use, with
 * the standard library's names, signatures and meaning. Linked by deno.json, never published.
 *
 * @module
 */

/** Reads a stream of bytes to its end, into one buffer. */
export async function toArrayBuffer(
  readableStream: ReadableStream<Uint8Array>,
): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = await Array.fromAsync(readableStream);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes.buffer;
}

/** Reads a stream of bytes to its end, into a blob without a type. */
export async function toBlob(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  return new Blob([await toArrayBuffer(stream)]);
}

/** Reads a stream of strings, or of UTF-8, to its end. */
export async function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream as ReadableStream<string | Uint8Array>) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads a stream of strings, or of UTF-8, to its end and parses it. */
export async function toJson(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<unknown> {
  return JSON.parse(await toText(stream));
}

/** One stream after the other. Cancelling it cancels them all. */
export function concatReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  let index = 0;
  let reader: ReadableStreamDefaultReader<T> | undefined;
  return new ReadableStream<T>({
    async pull(controller) {
      for (; index < streams.length; index++) {
        reader ??= streams[index].getReader();
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        reader = undefined;
      }
      controller.close();
    },
    async cancel(reason) {
      const rest = streams.slice(reader ? index + 1 : index);
      await Promise.allSettled([reader?.cancel(reason), ...rest.map((s) => s.cancel(reason))]);
    },
  });
}

/** Options of {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /**
   * Whether a chunk that would exceed the limit is an error, rather than the end.
   *
   * @default {false}
   */
  error?: boolean;
}

/** Passes chunks on as long as their sum is within a limit in bytes; a chunk is never cut. */
export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  /** Makes a stream that passes at most `size` bytes. */
  constructor(size: number, options: LimitedBytesTransformStreamOptions = {}) {
    let passed = 0;
    super({
      transform(chunk, controller) {
        if (passed + chunk.byteLength <= size) {
          passed += chunk.byteLength;
          controller.enqueue(chunk);
        } else if (options.error) {
          throw new RangeError(`Exceeded byte size limit of '${size}'`);
        } else {
          controller.terminate();
        }
      },
    });
  }
}
