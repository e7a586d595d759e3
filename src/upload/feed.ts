/** Where the bytes of an upload's requests come from. */

import type { Bytes } from "../bytes/bytes.ts";
import type { RunningChecksum } from "../bytes/running_checksum.ts";
import type { PieceBody } from "../net/streamed_body.ts";
import type { Checksums } from "../protocol/hashes.ts";

/** What one request carries. */
export interface Part {
  readonly offset: number;
  /** How many bytes it carries. */
  readonly size: number;
  /** Whether the upload ends with it. */
  readonly last: boolean;
  readonly body: Bytes | Blob | PieceBody;
  /** What has to be read and hashed while a Blob is sent, which nobody here reads. */
  readonly beside?: PieceBody | undefined;
}

/** How large the next request may be. */
export interface PartLimits {
  /** The most bytes of a request. */
  readonly maxBytes: number;
  /** Whether the transport takes bodies that are made while they are sent. */
  readonly streamed: boolean;
  /** The most bytes of a request that is not streamed; the default is 8 MiB. */
  readonly maxHeld?: number | undefined;
}

/**
 * The bytes of an upload, in the order in which they are sent, hashed once.
 *
 * A call that is given up by its caller leaves the feed in order: the next one goes on.
 */
export interface Feed {
  /** The size of the whole, once it is known. */
  readonly total: number | undefined;
  /** The running checksum; `undefined` where none is wanted. */
  readonly checksum: RunningChecksum | undefined;
  /** What the next request carries, from `offset` on, which the server has confirmed. */
  next(offset: number, limits: PartLimits): Promise<Part>;
  /** Goes to where the server says that the bytes before are stored; returns their CRC32C (base64), where it is known. */
  goTo(offset: number): Promise<string | undefined>;
  /** Forgets the bytes before `offset`: they are stored, and are the right ones. */
  release(offset: number): void;
  /** CRC32C of the bytes before `offset`, base64, where it is known without reading. */
  crc32cAt(offset: number): string | undefined;
  /** Reads on towards `offset` and hashes, one step; returns whether it is there. */
  skipTowards(offset: number): Promise<boolean>;
  /** Reads on and hashes, one step; returns the size of the whole once the source has ended. */
  skipToEnd(): Promise<number | undefined>;
  /** Begins at `offset` without having read what is before, of which `checksum` is; returns whether the source can. */
  seek(offset: number, checksum: RunningChecksum | undefined): boolean;
  /** Whether the source ends at the last byte that was skipped. */
  ended(): Promise<boolean>;
  /** Lets the source go; a reason says that nobody wants the rest. */
  close(reason?: unknown): void;
}

/** How a feed is made. */
export interface FeedOptions {
  /** The most bytes of a request. */
  readonly chunkSize: number;
  /** Requests that are not the last one carry a multiple of this many bytes. */
  readonly granularity: number;
  /** The size that the source must have. */
  readonly declared: number | undefined;
  /** The running checksum, which has seen nothing yet; `undefined` where none is wanted. */
  readonly checksum: RunningChecksum | undefined;
  /** Whether the last request carries the checksum of the whole, which must be known before it is sent. */
  readonly sendsHash: boolean;
}

/** The largest size of a request that is not the last one, within `max` bytes. */
export function aligned(max: number, granularity: number): number {
  return Math.max(granularity, Math.floor(max / granularity) * granularity);
}

/** The checksums of all bytes that a feed has handed out. */
export function checksumsOf({ checksum }: Feed): Checksums {
  return checksum?.sums() ?? {};
}
