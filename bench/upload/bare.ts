/** The least that uploads a file in chunks: each one is read and sent with `fetch`, and that is all. */

import type { ByteSource } from "../../mod.ts";

/** Uploads the chunks of a source; returns the CRC32C that the server computed. */
export async function bareUpload(
  origin: string,
  size: number,
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const start = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;
  const started = await fetch(start, { method: "POST" });
  await started.arrayBuffer();
  const session = started.headers.get("location")!;
  let at = 0, crc32c: string | undefined;
  for await (const body of chunks) {
    const range = `bytes ${at}-${at + body.length - 1}/${size}`;
    const reply = await fetch(session, {
      method: "PUT",
      headers: { "content-range": range },
      body,
    });
    const text = await reply.text();
    at += body.length;
    if (at === size) crc32c = JSON.parse(text).crc32c;
    else if (reply.status !== 308) throw new Error(`Answered with ${reply.status}: ${text}`);
  }
  if (crc32c === undefined) throw new Error(`${at} of ${size} bytes were sent`);
  return crc32c;
}

/** The chunks of what can be read anywhere. */
export async function* slices(
  source: Blob | ByteSource,
  chunkSize: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const size = source.size!;
  for (let at = 0; at < size; at += chunkSize) {
    const length = Math.min(chunkSize, size - at);
    yield source instanceof Blob
      ? new Uint8Array(await source.slice(at, at + length).arrayBuffer())
      : await source.read(at, length) as Uint8Array<ArrayBuffer>;
  }
}

/** The chunks of a stream; of a byte stream, read straight into their memory. */
export async function* collected(
  stream: ReadableStream<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunk: Uint8Array<ArrayBuffer> = new Uint8Array(chunkSize), filled = 0;
  const reader = byobReader(stream);
  if (reader) {
    for (;;) {
      const { done, value } = await reader.read(chunk.subarray(filled));
      if (done) break;
      chunk = new Uint8Array(value.buffer);
      filled += value.length;
      if (filled < chunkSize) continue;
      yield chunk;
      [chunk, filled] = [new Uint8Array(chunkSize), 0];
    }
  } else {
    for await (const piece of stream) {
      for (let rest = piece; rest.length > 0;) {
        const part = rest.subarray(0, chunkSize - filled);
        chunk.set(part, filled);
        filled += part.length;
        rest = rest.subarray(part.length);
        if (filled < chunkSize) continue;
        yield chunk;
        [chunk, filled] = [new Uint8Array(chunkSize), 0];
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return undefined; // not a byte stream
  }
}
