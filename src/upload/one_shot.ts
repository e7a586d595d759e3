/** What the two one-request uploads share: bytes with a known size, checks, and retrying only where that is safe. */

import { type RunningChecksum, startChecksum } from "../bytes/checksum.ts";
import { type Bytes, type PreparedSource, prepareSource } from "../bytes/source.ts";
import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, retrying, type RetryPolicy } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";
import {
  type ChecksumOption,
  type Checksums,
  compareObject,
  isRepeatable,
  parseObject,
  type StorageObject,
} from "../protocol/metadata.ts";
import { isSuccess, NO_OBJECT, readRefusal } from "../protocol/reply.ts";
import type { RequestSpec } from "../protocol/resumable.ts";
import { refusalError } from "./checks.ts";

/** Data whose size is known: what can be sent in one request. */
export type UploadData = Blob | BufferSource | string;

/** The data of one request, hashed. */
export interface Payload {
  readonly body: Bytes | Blob;
  readonly size: number;
  readonly checksums: Checksums;
}

/** How much of a Blob is read at once to hash it, in bytes. */
const HASH_STEP = 4 * 1024 * 1024;

/** Checks data that is to be sent in one request. */
export function checkData(
  data: UploadData,
): { readonly data: UploadData; readonly source: PreparedSource } {
  const isData = typeof data === "string" || data instanceof Blob || data instanceof ArrayBuffer ||
    ArrayBuffer.isView(data);
  if (!isData) {
    throw new TypeError(
      "data: expected a Blob, bytes or a string; anything else needs a ResumableUpload",
    );
  }
  return { data, source: prepareSource(data) };
}

/** Takes the data as a body, and hashes it; a Blob is never read whole. */
export async function preparePayload(
  { data, source }: ReturnType<typeof checkData>,
  option: ChecksumOption,
  signal: AbortSignal | undefined,
): Promise<Payload> {
  signal?.throwIfAborted();
  const size = source.size!;
  const checksum = await startChecksum(option);
  const reader = source.open();
  if (data instanceof Blob) {
    while (checksum && checksum.length < size) {
      checksum.update(await abortable(reader.read(HASH_STEP), signal));
    }
    return { body: data, size, checksums: sums(checksum) };
  }
  const body = await reader.read(size);
  checksum?.update(body);
  return { body, size, checksums: sums(checksum) };
}

function sums(checksum: RunningChecksum | undefined): Checksums {
  return checksum ? { crc32c: checksum.crc32c(), md5: checksum.md5() } : {};
}

/** How a one-request upload is sent. */
export interface OneShot {
  readonly transport: Transport;
  readonly spec: RequestSpec;
  readonly payload: Payload;
  readonly policy: RetryPolicy;
  readonly checksum: ChecksumOption;
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends the one request and compares the object.
 *
 * It is repeated only if a generation precondition makes that safe. When the repetition of a request whose reply was lost
 * meets that precondition, the first one may have been the reason: the error then has the first failure as its cause.
 */
export async function sendOnce(
  shot: OneShot,
): Promise<{ response: Response; object: StorageObject }> {
  const { transport, spec, payload, signal } = shot;
  const policy = {
    ...shot.policy,
    retries: shot.policy.retries && isRepeatable(spec.url, spec.headers),
  };
  let earlier: UploadError | undefined;
  return await retrying(policy, signal, async () => {
    const reply = await attempt(transport, spec, policy, signal);
    if (reply instanceof UploadError) return { kind: "failed", error: earlier = reply };
    if (!isSuccess(reply.status)) {
      const refusal = readRefusal(reply);
      const error = refusalError("upload", reply, refusal, false);
      if (refusal.kind === "unavailable") {
        return {
          kind: "failed",
          error: earlier = error,
          retryAfter: reply.headers.get("retry-after"),
        };
      }
      if (refusal.kind === "precondition" && earlier) error.cause = earlier;
      throw error;
    }
    const object = parseObject(reply.text, reply.headers);
    if (!object) throw new InvalidResponse(reply.response, `Cannot upload: ${NO_OBJECT}`);
    const problem = compareObject(object, payload, shot.checksum);
    if (problem) {
      const message = `Cannot trust the uploaded object: ${problem.message}`;
      if (problem.kind === "differs") throw new DataCorruption(reply.response, message);
      throw new InvalidResponse(reply.response, message);
    }
    return { kind: "done", value: { response: reply.response, object } };
  });
}
