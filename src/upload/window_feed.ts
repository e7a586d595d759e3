/** The bytes of a sequential source: chunks out of a bounded window. */

import { ReplayWindow } from "../bytes/replay_window.ts";
import type { RunningChecksum } from "../bytes/running_checksum.ts";
import type { SequentialSource } from "../bytes/sequential.ts";
import { aligned, type Feed, type FeedOptions, type Part, type PartLimits } from "./feed.ts";

/** Hands out what a {@linkcode ReplayWindow} holds. */
export class WindowFeed implements Feed {
  readonly #window: ReplayWindow;
  readonly #granularity: number;
  #checksum: RunningChecksum | undefined;
  #total: number | undefined;

  constructor(
    source: SequentialSource,
    { chunkSize, granularity, declared, checksum }: FeedOptions,
  ) {
    this.#granularity = granularity;
    this.#checksum = checksum;
    this.#total = declared;
    this.#window = new ReplayWindow(source, {
      chunkSize: aligned(chunkSize, granularity),
      granularity,
      declared,
      onBytes: (bytes) => this.#checksum?.update(bytes),
    });
  }

  get total(): number | undefined {
    return this.#total;
  }

  get checksum(): RunningChecksum | undefined {
    return this.#checksum;
  }

  async next(offset: number, { maxBytes }: PartLimits): Promise<Part> {
    this.#window.grow(aligned(maxBytes, this.#granularity));
    const { bytes, total } = await this.#window.take(offset);
    if (total !== undefined) this.#total = total;
    if (total !== undefined && bytes.length <= maxBytes) {
      return { offset, size: bytes.length, last: true, body: bytes };
    }
    const size = aligned(Math.min(bytes.length, maxBytes), this.#granularity);
    return { offset, size, last: false, body: bytes.subarray(0, size) };
  }

  goTo(offset: number): Promise<string | undefined> {
    return Promise.resolve(this.crc32cAt(offset));
  }

  release(offset: number): void {
    this.#window.release(offset);
    this.#checksum?.forget(offset);
  }

  crc32cAt(offset: number): string | undefined {
    return this.#checksum?.crc32cAt(offset, this.#window.keptUpTo(offset));
  }

  skipTowards(offset: number): Promise<boolean> {
    return this.#window.skipTowards(offset);
  }

  async skipToEnd(): Promise<number | undefined> {
    if (await this.#window.ended()) return this.#window.position;
    await this.#window.skipTowards(Infinity);
    return undefined;
  }

  seek(offset: number, checksum: RunningChecksum | undefined): boolean {
    if (!this.#window.seek(offset)) return false;
    this.#checksum = checksum;
    return true;
  }

  ended(): Promise<boolean> {
    return this.#window.ended();
  }

  close(reason?: unknown): void {
    this.#window.close(reason);
  }
}
