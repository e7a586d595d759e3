/** What the two one-request uploads share: bytes of known size, checks, and retrying only where that is safe. */

import { type ByteContainer, viewOf } from "../bytes/bytes.ts";
import type { RandomAccessSource } from "../bytes/random_access.ts";
import { type RunningChecksum, startChecksum } from "../bytes/running_checksum.ts";
import { type ByteSource, type TakenSource, takeSource } from "../bytes/source.ts";
import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, retrying, type RetryPolicy, type Step } from "../net/retry.ts";
import { isWhole, type Reply, type SendResult } from "../net/send.ts";
import { streamingInit, type Transport } from "../net/transport.ts";
import type { Checksums } from "../protocol/hashes.ts";
import { readRefusal } from "../protocol/refusal.ts";
import { isSuccess } from "../protocol/reply.ts";
import type { SentBytes, UploadContext } from "../protocol/resource.ts";
import { hasGenerationMatch, signatureOf } from "../protocol/upload_url.ts";
import type { CheckedUpload } from "./check_arguments.ts";
import {
  claimedChecksums,
  compareClaims,
  computedKind,
  filled,
  firstDifference,
} from "./claimed_checksums.ts";
import { checksumsOf, type Part } from "./feed.ts";
import { framedBody, type Framing } from "./framing.ts";
import { lookUp, provenResult } from "./finish.ts";
import { refusalError } from "./refusal_error.ts";
import { isStreamRefused, MAX_HELD, readWhole } from "./part_sender.ts";
import { MAX_BUFFERED, StretchFeed } from "./stretch_feed.ts";

/** Data whose size is known: what can be sent in one request. */
export type UploadData = Blob | ByteContainer | string | (ByteSource & { readonly size: number });

/** How a one-request upload ended. */
export interface OneRequestResult<T> {
  readonly reply: Reply;
  readonly value: T;
}

/** What is sent in one request, and how. */
export interface OneRequest<T> {
  readonly upload: CheckedUpload<T>;
  readonly transport: Transport;
  readonly source: TakenSource;
  readonly framing: Framing;
  readonly signal: AbortSignal | undefined;
  /** Called with how many bytes the transport has taken. */
  readonly onTaken?: ((bytes: number) => void) | undefined;
  /** Called when the transport was handed all bytes at once, and does not tell more. */
  readonly onHanded?: (() => void) | undefined;
}

/** Takes data that is to be sent in one request. */
export function takeData(data: UploadData): TakenSource {
  const hasSize = typeof data === "string" || viewOf(data) !== undefined ||
    (typeof data === "object" && data !== null && "size" in data);
  if (hasSize) return takeSource(data);
  throw new TypeError(
    "data: expected a Blob, bytes, a string or { size, read }; anything else needs a ResumableUpload",
  );
}

/**
 * Sends the data until the reply shows the result, and compares that.
 *
 * It is repeated only if a generation precondition makes that safe. When the repetition of a request whose reply was lost
 * meets that precondition, the first one may have been the reason: then the object is looked at.
 */
export async function sendInOne<T>(request: OneRequest<T>): Promise<OneRequestResult<T>> {
  const { upload, source, signal } = request;
  const { policy } = upload;
  try {
    const opened = await abortable(source.open(), signal);
    if (opened.kind !== "random-access") {
      throw new TypeError(
        "data: expected its size to be known, got a source that is read once; pass it to upload() or to a ResumableUpload",
      );
    }
    const bounded = { ...policy, retries: policy.retries && isRepeatable(upload) };
    const attempts = new Attempts(request, opened, bounded);
    const result = await retrying(bounded, signal, () => attempts.next());
    source.release();
    return result;
  } catch (error) {
    source.release(error);
    throw error;
  }
}

/**
 * Whether repeating a one-request upload is safe: the caller says so, or a generation precondition makes the second one fail,
 * not overwrite.
 */
export function isRepeatable<T>(
  { url, startHeaders, repeatable }: Pick<CheckedUpload<T>, "url" | "startHeaders" | "repeatable">,
): boolean {
  if (repeatable || hasGenerationMatch(url)) return true;
  // The header is the XML API's, to which signed URLs belong.
  return signatureOf(url) !== undefined && startHeaders.has("x-goog-if-generation-match");
}

/** How one attempt ended. */
interface Attempt {
  readonly result: SendResult;
  /** What the whole data adds up to; reads on where not all of it was sent. */
  sent(): Promise<SentBytes>;
}

/** The attempts of one upload: each reads the source anew. */
class Attempts<T> {
  readonly #request: OneRequest<T>;
  readonly #source: RandomAccessSource;
  readonly #policy: RetryPolicy;
  readonly #claimed: Checksums;
  #streams = streamingInit() !== undefined;
  #earlier: UploadError | undefined; // a failure after which the object may be stored

  constructor(request: OneRequest<T>, source: RandomAccessSource, policy: RetryPolicy) {
    this.#request = request;
    this.#source = source;
    this.#policy = policy;
    this.#claimed = claimedChecksums(request.upload, request.framing.metadata);
  }

  async next(): Promise<Step<OneRequestResult<T>>> {
    const { sent, result } = await this.#sendAsTaken();
    if (result.kind === "failed") {
      this.#earlier = result.error;
      return result;
    }
    const { reply } = result;
    if (isSuccess(reply.status) || reply.status === 204) {
      const value = this.#proven(reply, await sent(), isWhole(result));
      return { kind: "done", value: { reply, value } };
    }
    return await this.#refused(reply, sent);
  }

  /** Sends the data as the transport takes it: one that has not looked at a stream may know bytes and Blobs only. */
  async #sendAsTaken(): Promise<Attempt> {
    const { blob, size } = this.#source;
    const attempt = await this.#send(this.#streams);
    if (!isStreamRefused(attempt.result) || !(blob || size <= MAX_HELD)) return attempt;
    const held = await this.#send(false);
    // If it fails with these, too, it was not the stream.
    if (held.result.kind === "reply") this.#streams = false;
    return held;
  }

  /** Sends the data once. What is small is read and hashed before, so that its checksum can travel with it. */
  async #send(streamed: boolean): Promise<Attempt> {
    const checksum = await startChecksum(computedKind(this.#request.upload, this.#claimed));
    return this.#source.size <= MAX_BUFFERED && checksum
      ? await this.#sendHeld(checksum)
      : await this.#sendRead(checksum, streamed);
  }

  async #sendHeld(checksum: RunningChecksum): Promise<Attempt> {
    const { size } = this.#source;
    const body = await abortable(this.#source.read(0, size), this.#request.signal);
    checksum.update(body);
    const sums = checksum.sums();
    compareClaims(this.#claimed, sums);
    const checksums = filled(sums, this.#claimed);
    const result = await this.#attempt({ offset: 0, size, last: true, body }, checksums);
    return { sent: () => Promise.resolve({ size, checksums }), result };
  }

  /** Reads and hashes the data while it is sent. */
  async #sendRead(checksum: RunningChecksum | undefined, streamed: boolean): Promise<Attempt> {
    const { signal } = this.#request;
    const { size } = this.#source;
    const feed = new StretchFeed(this.#source, {
      chunkSize: Infinity,
      granularity: 1,
      declared: size,
      checksum,
      sendsHash: false,
    });
    const limits = { maxBytes: Infinity, streamed, maxHeld: Infinity };
    const part = await abortable(feed.next(0, limits), signal);
    let hasFailed = false;
    const hashed = readWhole(part.beside, () => !hasFailed);
    const result = await this.#attempt(part, filled({}, this.#claimed));
    hasFailed = result.kind === "failed";
    if (!hasFailed) await abortable(hashed, signal);
    const sent = async () => {
      await abortable(feed.goTo(size), signal); // a server may answer before it was sent everything
      return { size, checksums: filled(checksumsOf(feed), this.#claimed) };
    };
    return { sent, result };
  }

  #attempt(part: Part, sums: Checksums): Promise<SendResult> {
    const { upload, framing, transport, signal, onTaken, onHanded } = this.#request;
    const { url, method, startHeaders } = upload;
    const headers = new Headers();
    startHeaders.forEach((value, name) => headers.set(name, value)); // a copy costs Deno half a microsecond more
    const request = { method, url, headers, body: framedBody(part, framing, sums, headers) };
    const options = { signal, action: "upload", onTaken, onHanded };
    return attempt(transport, request, this.#policy, options);
  }

  async #refused(reply: Reply, sent: Attempt["sent"]): Promise<Step<OneRequestResult<T>>> {
    const refusal = readRefusal(reply);
    const error = refusalError("upload", reply, refusal, false);
    if (refusal.kind === "unavailable" || refusal.kind === "rejected") {
      if (refusal.kind === "unavailable") this.#earlier = error;
      return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
    }
    if (refusal.kind !== "precondition" || !this.#earlier) throw error;
    const stored = await this.#storedBefore(await sent());
    if (stored) return { kind: "done", value: stored };
    error.cause = this.#earlier;
    throw error;
  }

  /** The object that an earlier attempt has stored, if it is there and is ours: the same size and the same checksum. */
  async #storedBefore({ size, checksums }: SentBytes): Promise<OneRequestResult<T> | undefined> {
    const { upload, transport, signal } = this.#request;
    const { startHeaders: headers, resource } = upload;
    if (checksums.crc32c === undefined) return undefined;
    const context = contextOf(this.#request);
    try {
      const options = { transport, headers, policy: this.#policy, signal };
      const looked = await lookUp(resource, context, options);
      const facts = looked && resource.facts?.(looked.value, context);
      const isOurs = facts?.size === size && facts.crc32c === checksums.crc32c;
      return isOurs ? looked : undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UploadError) return undefined; // nothing is known: the failed precondition stands
      throw error;
    }
  }

  /** The result that a reply shows, compared with what was sent. */
  #proven(reply: Reply, sent: SentBytes, isWhole: boolean): T {
    const { upload: { resource, checksum }, framing } = this.#request;
    this.#compareClaims(reply, sent);
    const value = resource.read(reply);
    if (value === undefined) {
      throw new InvalidResponse(
        reply.response,
        `Cannot upload: expected ${resource.expected}, got neither`,
      );
    }
    const context = contextOf(this.#request);
    const facts = resource.facts?.(value, context);
    const isCompared = checksum === null ? facts?.size !== undefined : facts !== undefined;
    if (!isWhole && !isCompared) {
      throw new InvalidResponse(
        reply.response,
        "Cannot upload: expected the server to take the whole request, but it answered before",
      );
    }
    const mustTell = !framing.carriesChecksums || !isWhole;
    return provenResult({ reply, value, resource, context, sent, checksum, mustTell });
  }

  /** What was hashed while it was sent is compared with what the caller says only now: the object is stored. */
  #compareClaims(reply: Reply, { checksums }: SentBytes): void {
    const other = firstDifference(this.#claimed, checksums);
    if (!other) return;
    const { kind, expected, got } = other;
    throw new DataCorruption(
      reply.response,
      `Cannot trust the stored object: expected bytes with ${kind} ${expected}, as was given, got ${got}`,
    );
  }
}

function contextOf<T>({ upload: { url, method }, framing }: OneRequest<T>): UploadContext {
  return { startUrl: url, method, metadata: framing.metadata };
}
