// Sources of every kind with the same bytes.

import type { ByteSource, UploadSource } from "../../mod.ts";

/** Numbers from 0 to 1. */
export type Random = () => number;

type Bytes = Uint8Array<ArrayBuffer>;

function* pieces(data: Bytes, random: Random): Generator<Bytes> {
  for (let at = 0; at < data.length;) {
    const size = 1 + Math.floor(random() * 200_000);
    yield data.slice(at, at += size);
  }
}

async function* later(data: Bytes, random: Random): AsyncGenerator<Bytes> {
  for (const piece of pieces(data, random)) {
    await Promise.resolve();
    yield piece;
  }
}

function stream(data: Bytes, random: Random): ReadableStream<Bytes> {
  const rest = pieces(data, random);
  return new ReadableStream({
    pull(controller) {
      const { done, value } = rest.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function byteSource(data: Bytes, random: Random): ByteSource {
  return {
    ...(random() < 0.5 && { size: data.length }),
    read: (offset, length) => Promise.resolve(data.slice(offset, offset + length)),
  };
}

/** All kinds of sources. */
export const SOURCES: {
  readonly [kind: string]: (data: Bytes, random: Random) => UploadSource;
  readonly stream: typeof stream;
} = {
  blob: (data: Bytes): Blob => new Blob([data]),
  bytes: (data: Bytes): Bytes => data,
  buffer: (data: Bytes): ArrayBuffer => data.slice().buffer,
  stream,
  iterable: later,
  byteSource,
};
