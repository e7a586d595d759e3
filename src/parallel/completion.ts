/** Completing an XML multipart upload: never twice unseen, and compared with what was sent. */

import { DataCorruption, InvalidResponse, type UploadError } from "../errors.ts";
import { retrying, type Step } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import type { ObjectLocation } from "../protocol/object_url.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import {
  type Completed,
  readCompleted,
  readParts,
} from "../protocol/xml_multipart/xml_multipart_replies.ts";
import type { MultipartUploadId } from "../protocol/xml_multipart/xml_multipart_requests.ts";
import { refusalError } from "../upload/refusal_error.ts";
import { isAsked, objectAt, type WholeObject } from "./assembly.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import { askOnce, sendCompletion, type Sending } from "./multipart_requests.ts";

/** What is completed. */
export interface CompletionInput {
  readonly upload: MultipartUploadId;
  /** Where the object will be; `undefined` where nobody knows how to read it. */
  readonly location: ObjectLocation | undefined;
  readonly parts: readonly Pick<StoredPart, "number" | "tag">[];
  /** What all parts add up to, where it is known. */
  readonly whole: WholeObject | undefined;
  /** What is asked of the object besides, where it is known. */
  readonly asked?: ObjectMetadata | undefined;
  /** Whether the reply must tell the CRC32C. */
  readonly mustTell: boolean;
  readonly sending: Sending;
}

/** How it ended: with the reply to the request, or to the question that found the object after that one was lost. */
export interface CompletedUpload {
  readonly reply: Reply;
  readonly object: Partial<StorageObject>;
}

/**
 * Makes the object of the parts.
 *
 * When the reply is lost, the upload is asked for: as long as it is open, nothing came of the request, and it is sent again;
 * once it is gone, the object must be what the parts add up to.
 */
export async function completeUpload(input: CompletionInput): Promise<CompletedUpload> {
  const completion = new Completion(input);
  const { policy, signal } = input.sending;
  return await retrying(policy, signal, () => completion.next());
}

class Completion {
  readonly #input: CompletionInput;
  #earlier: UploadError | undefined; // a failure after which the object may be made
  #mustAsk = false;

  constructor(input: CompletionInput) {
    this.#input = input;
  }

  async next(): Promise<Step<CompletedUpload>> {
    if (this.#mustAsk) return await this.#asked();
    const { upload, parts, sending } = this.#input;
    const result = await sendCompletion(upload, parts, sending);
    if (result.kind === "failed") return this.#unknownOutcome(result.error, null, result.spent);
    const { reply } = result;
    const answer = readCompleted(reply);
    if (answer.kind === "completed") {
      return { kind: "done", value: { reply, object: this.#proven(answer, reply) } };
    }
    const error = refusalError("complete", reply, answer, true);
    const retryAfter = reply.headers.get("retry-after");
    if (answer.kind === "unavailable") return this.#unknownOutcome(error, retryAfter);
    if (answer.kind === "no_result") {
      return { ...this.#unknownOutcome(error, retryAfter), mayPass: true };
    }
    if (answer.kind === "rejected") return { kind: "failed", error, retryAfter };
    // Runtimes send a request again by themselves when an idle connection turns out to be closed.
    if (answer.kind === "gone") return await this.#gone(error);
    throw error;
  }

  /** Whether the upload is still open: then nothing has come of the completion, and it can be sent again. */
  async #asked(): Promise<Step<CompletedUpload>> {
    const { upload, sending } = this.#input;
    const result = await askOnce(upload, sending);
    if (result.kind === "failed") return { ...result, asksNext: true };
    const { reply } = result;
    const answer = readParts(reply);
    if (answer.kind === "listed") {
      this.#mustAsk = false;
      return { kind: "continue" };
    }
    const error = refusalError("complete", reply, answer, true);
    if (answer.kind === "gone") return await this.#gone(error);
    if (answer.kind !== "unavailable" && answer.kind !== "rejected") throw error;
    return { kind: "failed", error, retryAfter: reply.headers.get("retry-after"), asksNext: true };
  }

  async #gone(error: UploadError): Promise<Step<CompletedUpload>> {
    error.cause ??= this.#earlier;
    return { kind: "done", value: await finishedBefore(this.#input, error) };
  }

  #unknownOutcome(error: UploadError, retryAfter: string | null, spent?: number) {
    this.#earlier = error;
    this.#mustAsk = true;
    return { kind: "failed", error, retryAfter, spent, asksNext: true } as const;
  }

  /** What the reply says of the object, compared with what was sent. */
  #proven(answer: Completed, reply: Reply): Partial<StorageObject> {
    const { whole, mustTell } = this.#input;
    const cannot = "Cannot trust the finished object";
    const { bucket, name, etag, generation, crc32c } = answer;
    if (whole?.crc32c !== undefined && crc32c !== undefined && crc32c !== whole.crc32c) {
      throw new DataCorruption(
        reply.response,
        `${cannot}: expected crc32c ${whole.crc32c} (the bytes read), got ${crc32c} (the object)`,
      );
    }
    if (mustTell && crc32c === undefined) {
      const message = `${cannot}: expected it to report its crc32c, got none`;
      throw new InvalidResponse(reply.response, message);
    }
    const size = whole && String(whole.size);
    const known = Object.entries({ bucket, name, etag, generation, crc32c, size });
    return Object.fromEntries(known.filter(([, value]) => value !== undefined));
  }
}

/** The object, where it is what the parts add up to; else the error that says that the upload is gone. */
export async function finishedBefore(
  { location, whole, asked = {}, sending }: Pick<
    CompletionInput,
    "asked" | "location" | "sending" | "whole"
  >,
  gone: UploadError,
): Promise<CompletedUpload & { readonly object: StorageObject }> {
  const found = location && whole && await objectAt(location, sending, sending.signal);
  if (!found || !isAsked(found.value, whole, asked)) throw gone;
  return { object: found.value, reply: found.reply };
}
