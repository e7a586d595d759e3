/** What a kind of parallel upload has to do besides storing parts: go on, finish, and leave nothing behind. */

import { type Clock, within } from "../net/clock.ts";
import type { RetryPolicy } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import {
  type ObjectMetadata,
  type StorageObject,
  storageObject,
} from "../protocol/resources/storage_object.ts";
import { uploadUrl } from "../protocol/upload_url.ts";
import type { ObjectLocation } from "../protocol/object_url.ts";
import { UploadError } from "../errors.ts";
import { lookUp } from "../upload/finish.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import type { PartStore } from "./stored_part_sender.ts";
import type { ParallelSetup } from "./parallel_settings.ts";

/** What all parts add up to. */
export interface WholeObject {
  readonly size: number;
  /** Base64; absent where it was not computed. */
  readonly crc32c: string | undefined;
}

/** What is left of an upload that was interrupted. */
export type Remains =
  /** These parts are stored as they were recorded. */
  | { readonly kind: "parts"; readonly parts: readonly StoredPart[] }
  /** It was finished, and this is the object. */
  | { readonly kind: "finished"; readonly object: StorageObject };

/** A parallel upload at the server. */
export interface Assembly extends PartStore {
  /** What the checkpoint calls it. */
  readonly uploadId: string;
  /** What is left of it. `whole` is what all parts add up to, where all are recorded. */
  remains(recorded: readonly StoredPart[], whole: WholeObject | undefined): Promise<Remains>;
  /** Makes the object. */
  finish(parts: readonly StoredPart[], whole: WholeObject): Promise<StorageObject>;
  /** Removes what is stored of it. */
  discardAll(policy: RetryPolicy): Promise<void>;
}

/** The object at that place, if it is there. */
export async function objectAt(
  { endpoint, bucket, name }: ObjectLocation,
  { transport, headers, policy }: Pick<ParallelSetup, "headers" | "policy" | "transport">,
  signal: AbortSignal | undefined,
): Promise<{ readonly value: StorageObject; readonly reply: Reply } | undefined> {
  const context = {
    startUrl: uploadUrl(endpoint, bucket, name),
    method: "POST",
    metadata: {},
  } as const;
  try {
    const options = { transport, headers, policy, signal };
    return await lookUp(storageObject, context, options);
  } catch (error) {
    if (error instanceof UploadError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether an object is what the parts add up to; without a checksum nothing tells. */
export function isWholeObject(object: StorageObject, { size, crc32c }: WholeObject): boolean {
  const facts = storageObject.facts!(object, { startUrl: "", method: "GET", metadata: {} });
  return crc32c !== undefined && facts?.crc32c === crc32c && facts.size === size;
}

/**
 * Whether an object that is found is the one that is asked for: what the parts add up to, with the metadata of this call. One that
 * was there before the upload may have the same bytes, and says of them what somebody else has wanted.
 *
 * @param query the preconditions under which it is made: the generation that it replaces is not it
 */
export function isAsked(
  object: StorageObject,
  whole: WholeObject,
  asked: ObjectMetadata,
  query: Readonly<Record<string, string>> = {},
): boolean {
  const { metadata = {}, ...fields } = asked;
  const isSame = (name: string) => fields[name] === undefined || fields[name] === object[name];
  return isWholeObject(object, whole) && object.generation !== query.ifGenerationMatch &&
    COMPARED.every(isSame) &&
    Object.entries(metadata).every(([key, value]) =>
      value === undefined || value === object.metadata?.[key]
    );
}

/** Fields that Google shows as they were written. */
const COMPARED = [
  "cacheControl",
  "contentDisposition",
  "contentEncoding",
  "contentLanguage",
  "contentType",
  "storageClass",
];

/** How long removing what is stored may take, in milliseconds: somebody is waiting for an error. */
const CLEAN_UP_TIME = 10_000;

/** The policy of requests that clean up. */
export function cleanUpPolicy(policy: RetryPolicy): RetryPolicy {
  return {
    ...policy,
    retries: true,
    maxAttempts: 3,
    maxElapsed: Math.min(policy.maxElapsed, CLEAN_UP_TIME),
    attemptTimeout: Math.min(policy.attemptTimeout, CLEAN_UP_TIME),
    initialDelay: Math.min(policy.initialDelay, 500),
    maxDelay: Math.min(policy.maxDelay, 2000),
    onRetry: undefined,
    shouldRetry: (error) => error.retryable,
  };
}

/** The work of cleaning up, or an error when it takes too long. */
export function inCleanUpTime<T>(work: Promise<T>, clock: Clock): Promise<T> {
  return within<T>(CLEAN_UP_TIME, work, () => {
    throw new UploadError("deadline_exceeded", "Cannot remove the parts: it took too long");
  }, clock);
}

/** Does something with each, so many at a time; ends with the first error, when those that were begun have ended. */
export async function forEachOf<T, R>(
  all: readonly T[],
  concurrency: number,
  work: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(all.length);
  let at = 0;
  let failed: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (at < all.length && !failed) {
      const index = at++;
      try {
        results[index] = await work(all[index]);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, all.length) }, worker));
  if (failed) throw failed.error;
  return results;
}
