// What the tests of uploadMany share: an emulator, options that do not wait, results as they come.

import { GcsEmulator } from "../../src/emulator/mod.ts";
import {
  uploadMany,
  type UploadManyItem,
  type UploadManyOptions,
  type UploadManyResult,
  type UploadManyRun,
} from "../../src/parallel/mod.ts";
import { fakeClock } from "../support/fake_clock.ts";

export const BUCKET = "my-bucket";

/** A run into an emulator, and what was heard of it. */
export interface Trial<I extends UploadManyItem> {
  readonly gcs: GcsEmulator;
  readonly results: UploadManyResult<I>[];
  readonly run: UploadManyRun;
}

/** Starts a run into an emulator; waits for nothing. */
export function start<I extends UploadManyItem>(
  files: Iterable<I> | AsyncIterable<I>,
  { onResult, ...options }: Partial<UploadManyOptions<I>> = {},
  gcs: GcsEmulator = new GcsEmulator(),
): Trial<I> {
  const results: UploadManyResult<I>[] = [];
  const run = uploadMany(files, {
    bucket: BUCKET,
    transport: gcs.fetch,
    retry: { clock: fakeClock() },
    onResult: async (result) => {
      results.push(result);
      await onResult?.(result);
    },
    ...options,
  });
  return { gcs, results, run };
}

/** The results in short, by name: `a uploaded`. */
export function inShort<I extends UploadManyItem>(
  results: readonly UploadManyResult<I>[],
): string[] {
  return results.map((result) =>
    `${result.name} ${result.status}${result.status === "skipped" ? ` ${result.reason}` : ""}`
  ).sort();
}

/** The error of a file that failed. */
export function errorOf<I extends UploadManyItem>(
  results: readonly UploadManyResult<I>[],
  name: string,
): Error | undefined {
  const result = results.find((result) => result.name === name && result.status === "failed");
  return result?.status === "failed" ? result.error as Error : undefined;
}

/** What the emulator was asked, as kinds. */
export function kinds({ requests }: GcsEmulator): string[] {
  return requests.map(({ kind }) => kind);
}

/** A file that can be read anywhere, and counts how often it was closed and read. */
export class CountedFile {
  closed = 0;
  reads = 0;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    this.reads++;
    return Promise.resolve(this.#bytes.subarray(offset, offset + length));
  }

  close(): void {
    this.closed++;
  }
}

/** Lets everything that can go on do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}
