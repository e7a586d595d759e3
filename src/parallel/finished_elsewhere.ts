/** An upload that has ended where this process could not see it. */

import type { Source } from "../bytes/source.ts";
import { objectSize, type StorageObject } from "../protocol/resources/storage_object.ts";
import { compareClaims } from "../upload/claimed_checksums.ts";
import { isAsked, objectAt } from "./assembly.ts";
import { sourceSum } from "./kept_parts.ts";
import { askedOf, type ParallelSetup } from "./parallel_settings.ts";

/**
 * The object, if it is what the source is and has the metadata of this call: by its size and the CRC32C of all its bytes, which
 * are read for that only where the size is the same. An earlier process may have finished the upload after the last checkpoint that was kept, or another one
 * meanwhile.
 */
export async function finishedElsewhere(
  setup: ParallelSetup,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<StorageObject | undefined> {
  if (setup.checksum === null || source.kind !== "random-access") return undefined;
  const { size } = source;
  const object = (await objectAt(setup.location, setup, signal))?.value;
  if (!object || objectSize(object.size) !== size) return undefined;
  const crc32c = await sourceSum(source, { offset: 0, size }, signal);
  if (!isAsked(object, { size, crc32c }, askedOf(setup), setup.composeQuery)) return undefined;
  compareClaims(setup.claimed, { crc32c });
  return object;
}
