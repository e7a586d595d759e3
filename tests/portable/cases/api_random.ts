// Both wire protocols under faults, sizes and chunks drawn at random; the seed is part of what a failure says.

import { upload, UploadError, type UploadSource } from "../../../mod.ts";
import { type Fault, GcsEmulator, type RequestKind } from "../../../src/emulator/mod.ts";
import type { PortableCase } from "../case.ts";
import { assertUploaded, commands, PROTOCOLS, quick, SHOWCASE, YOUTUBE } from "./api_support.ts";
import { CHUNK, pattern, pieces, streamOf } from "./upload_support.ts";

/** How many uploads each run draws for each protocol. */
const RUNS = 30;

/** Numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Draws from what it is given. */
class Draw {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = random(seed);
  }
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }
  of<T>(...values: readonly T[]): T {
    return values[this.below(values.length)];
  }
}

const KINDS: readonly RequestKind[] = ["initiate", "chunk", "final", "status", "finalize"];

/** A fault that passes. With `isWhole`, a server keeps all of a chunk or nothing. */
function fault(draw: Draw, isXGoog: boolean, isWhole: boolean): Fault {
  const scope = { on: draw.of(...KINDS), skip: draw.below(3), times: 1 + draw.below(2) };
  const lost = { "x-goog-upload-status": null };
  return draw.of<Fault>(
    { ...scope, drop: draw.of("before", "after") },
    isWhole ? { ...scope, drop: "before" } : { ...scope, cut: draw.below(2 * CHUNK) },
    {
      ...scope,
      status: draw.of(408, 429, 500, 502, 503, 504),
      afterBytes: isWhole ? 0 : draw.below(CHUNK),
    },
    { ...scope, status: 403, reason: draw.of("rateLimitExceeded", "userRateLimitExceeded") },
    { ...scope, shorten: draw.below(9) },
    isXGoog
      ? { ...scope, rewrite: lost }
      : { ...scope, on: draw.of("chunk", "status"), move: true },
  );
}

function source(draw: Draw, bytes: Uint8Array<ArrayBuffer>): UploadSource {
  const piece = 1 + draw.below(2 * CHUNK);
  return draw.of<() => UploadSource>(
    () => new Blob([bytes]),
    () => ({ size: bytes.length, read: (at, n) => Promise.resolve(bytes.slice(at, at + n)) }),
    () => streamOf(bytes, piece),
    () => pieces(bytes, piece),
  )();
}

/** The cases. */
export const apiRandom: PortableCase[] = PROTOCOLS.map((protocol): PortableCase => ({
  name: `api: ${protocol.name}: whatever passes, every byte is stored once (random)`,
  async run() {
    const first = Math.floor(Math.random() * 4294967296);
    for (let i = 0; i < RUNS; i++) {
      const seed = (first + i) >>> 0;
      const draw = new Draw(seed);
      const isXGoog = protocol.name === "x-goog-upload";
      const granularity = draw.of(null, 1, 10_000, CHUNK, 300_001);
      const gcs = new GcsEmulator({ granularity, md5: false, seed });
      const size = draw.of(0, 1, CHUNK, 2 * CHUNK, draw.below(5 * CHUNK));
      const bytes = pattern(size, 2 * draw.below(100) + 1);
      // The emulator keeps multiples of 256 KiB of a chunk that breaks; a server keeps multiples of what it asks for.
      const isWhole = ![null, 1, CHUNK].includes(granularity);
      const faults = Array.from({ length: draw.below(5) }, () => fault(draw, isXGoog, isWhole));
      gcs.inject(...faults);
      const chunkSize = CHUNK * (1 + draw.below(3));
      const url = isXGoog ? SHOWCASE : `${YOUTUBE}/videos?part=id`;
      const given = source(draw, bytes);
      try {
        await upload<unknown>(given, { ...quick(gcs, { chunkSize }), url, protocol });
        assertUploaded(gcs, bytes);
      } catch (error) {
        const said = error instanceof UploadError ? `${error.code}: ${error.message}` : error;
        const log = isXGoog
          ? commands(gcs)
          : gcs.requests.map(({ kind, status }) => [kind, status]);
        throw new Error(
          `seed ${seed}, ${size} bytes, chunks of ${chunkSize}, granularity ${granularity}, faults ${
            JSON.stringify(faults)
          }: ${said}\n${JSON.stringify(log)}`,
        );
      }
    }
  },
}));
