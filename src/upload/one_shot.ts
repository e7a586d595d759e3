/** What the two one-request uploads share: bytes with a known size, checks, and retrying only where that is safe. */

import { type RunningChecksum, startChecksum } from "../bytes/checksum.ts";
import { type Bytes, type PreparedSource, prepareSource } from "../bytes/source.ts";
import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, retrying } from "../net/retry.ts";
import type { Reply, Transport } from "../net/transport.ts";
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
import {
  type CheckedUpload,
  checkTransport,
  checkUpload,
  invalidState,
  refusalError,
} from "./checks.ts";
import type { CallOptions, OneShotOptions } from "./options.ts";

/** Data whose size is known: what can be sent in one request. */
export type UploadData = Blob | BufferSource | string;

/** The data of one request, hashed. */
export interface Payload {
  readonly body: Bytes | Blob;
  readonly size: number;
  readonly checksums: Checksums;
}

/** Makes the body of the request, and sets its `Content-Type`. */
export type Compose = (payload: Payload, headers: Headers) => Bytes | Blob;

/** How much of a Blob is read at once to hash it, in bytes. */
const HASH_STEP = 4 * 1024 * 1024;

/** What the two one-request uploads have in common: where to, whether it was used, and what came of it. */
export class OneShot {
  readonly upload: CheckedUpload;
  #used = false;
  #object: StorageObject | undefined;

  constructor(uploadUrl: string | URL, options: OneShotOptions) {
    this.upload = checkUpload(uploadUrl, options);
  }

  /** The stored object; `undefined` before. */
  get object(): StorageObject | undefined {
    return this.#object;
  }

  /** Sends the data, once, in the body that `compose` makes of it. */
  async transmit(
    transport: Transport,
    data: UploadData,
    { signal }: CallOptions,
    compose: Compose,
  ): Promise<Reply> {
    if (this.#used) throw invalidState("Cannot transmit: an upload can only be used once");
    checkTransport(transport);
    const checked = checkData(data);
    this.#used = true;
    const { url, headers: given, checksum } = this.upload;
    const payload = await preparePayload(checked, checksum, signal);
    const headers = new Headers(given);
    const body = compose(payload, headers);
    const spec: RequestSpec = { method: "POST", url, headers, body };
    const { reply, object } = await sendOnce(transport, spec, payload, this.upload, signal);
    this.#object = object;
    return reply;
  }
}

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
async function preparePayload(
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

/**
 * Sends the one request until its reply shows the object, and compares that.
 *
 * It is repeated only if a generation precondition makes that safe. When the repetition of a request whose reply was lost
 * meets that precondition, the first one may have been the reason: the error then has the first failure as its cause.
 */
async function sendOnce(
  transport: Transport,
  spec: RequestSpec,
  payload: Payload,
  upload: CheckedUpload,
  signal: AbortSignal | undefined,
): Promise<{ reply: Reply; object: StorageObject }> {
  const retries = upload.policy.retries && isRepeatable(spec.url, spec.headers);
  const policy = { ...upload.policy, retries };
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
    const problem = compareObject(object, payload, upload.checksum);
    if (problem) {
      const message = `Cannot trust the uploaded object: ${problem.message}`;
      if (problem.kind === "differs") throw new DataCorruption(reply.response, message);
      throw new InvalidResponse(reply.response, message);
    }
    return { kind: "done", value: { reply, object } };
  });
}
