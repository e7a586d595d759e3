/**
 * Many uploads at once through one worker.
 *
 * @module
 */

import { upload } from "../../mod.ts";
import { difference, pattern } from "../../tests/e2e/support.ts";
import type { Project } from "../../tests/worker/support/project.ts";
import { startUpstream } from "../../tests/worker/support/upstream.ts";
import { startProxy } from "./servers.ts";

/** What came of it. */
export interface CrowdResult {
  /** How many uploads were stored byte for byte. */
  readonly stored: number;
  /** What the others say, each once. */
  readonly errors: readonly string[];
  readonly seconds: number;
  /** The worker's memory before the first request, and at its peak, in bytes. */
  readonly idle: number;
  readonly peak: number;
}

/** Sends `count` objects of `size` bytes, in chunks of 256 KiB, all at once, through the worker in Deno. */
export async function crowd(project: Project, count: number, size: number): Promise<CrowdResult> {
  await using upstream = await startUpstream({ md5: false });
  await using worker = await startProxy(project, "deno", upstream.origin);
  const idle = await worker.peakMemory();
  const started = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      upload(numbered(size, index), {
        bucket: "bucket",
        name: `object-${index}`,
        endpoint: worker.origin,
        chunkSize: 262_144,
        retry: null,
      })),
  );
  const seconds = (performance.now() - started) / 1000;
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [String(outcome.reason)] : []
  );
  let stored = 0;
  for (let index = 0; index < count; index++) {
    const bytes = upstream.gcs.get("bucket", `object-${index}`)?.bytes;
    if (bytes && difference(bytes, numbered(size, index)) < 0) stored++;
  }
  const peak = await worker.peakMemory();
  return { stored, errors: [...new Set(errors)], seconds, idle, peak };
}

let base: Uint8Array<ArrayBuffer> | undefined;

/** Bytes that are others for each number. */
function numbered(size: number, index: number): Uint8Array<ArrayBuffer> {
  base ??= pattern(size);
  const bytes = base.slice();
  for (let at = 0; at < size; at += 65_536) new DataView(bytes.buffer).setUint32(at, index);
  return bytes;
}
