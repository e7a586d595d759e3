/** A parallel upload as an XML multipart upload: parts, and the request that makes an object of them. */

import { UploadError } from "../errors.ts";
import type { RetryPolicy } from "../net/retry.ts";
import type { Reply, SendRequest } from "../net/send.ts";
import type { Checksums } from "../protocol/hashes.ts";
import { xmlObjectUrl } from "../protocol/object_url.ts";
import type { Refusal } from "../protocol/refusal.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { readPart } from "../protocol/xml_multipart/xml_multipart_replies.ts";
import {
  type MultipartUploadId,
  partRequest,
} from "../protocol/xml_multipart/xml_multipart_requests.ts";
import type { Part } from "../upload/feed.ts";
import type { Assembly, Remains, WholeObject } from "./assembly.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import { completeUpload, finishedBefore } from "./completion.ts";
import { abortUpload, initiateUpload, listParts, type Sending } from "./multipart_requests.ts";
import type { PartAnswer } from "./stored_part_sender.ts";
import type { PartRange } from "./plan.ts";
import { askedOf, type ParallelSetup } from "./parallel_settings.ts";

/** Starts an XML multipart upload, or takes one up. */
export async function openMultipart(
  setup: ParallelSetup,
  uploadId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Assembly> {
  if (uploadId !== undefined) return new MultipartAssembly(setup, uploadId, signal);
  const { location, contentType, objectHeaders } = setup;
  const sending = { ...setup, signal };
  const opened = await initiateUpload(xmlObjectUrl(location), contentType, objectHeaders, sending);
  return new MultipartAssembly(setup, opened.uploadId, signal);
}

class MultipartAssembly implements Assembly {
  readonly isOpened = true;
  readonly uploadId: string;
  readonly #setup: ParallelSetup;
  readonly #sending: Sending;
  readonly #upload: MultipartUploadId;

  constructor(setup: ParallelSetup, uploadId: string, signal: AbortSignal | undefined) {
    const { transport, headers, policy, location } = setup;
    this.uploadId = uploadId;
    this.#setup = setup;
    this.#sending = { transport, headers, policy, signal };
    this.#upload = { objectUrl: xmlObjectUrl(location), uploadId };
  }

  request({ number }: PartRange, { body }: Part, sums: Checksums): SendRequest {
    return { ...partRequest(this.#upload, number, this.#setup.headers, sums), body };
  }

  read(reply: Reply): PartAnswer | Refusal {
    return partAnswer(reply);
  }

  /** The parts whose ETag and size are still those that were recorded: their number alone would say nothing. */
  async remains(
    recorded: readonly StoredPart[],
    whole: WholeObject | undefined,
  ): Promise<Remains> {
    try {
      const parts = await listParts(this.#upload, this.#sending);
      const listed = new Map(parts.map((part) => [part.number, part]));
      const isStored = ({ number, size, tag }: StoredPart) => {
        const part = listed.get(number);
        return part?.size === size && part.etag === tag;
      };
      return { kind: "parts", parts: recorded.filter(isStored) };
    } catch (error) {
      if (!(error instanceof UploadError && error.code === "session_gone")) throw error;
      const { location } = this.#setup;
      const input = { location, whole, asked: askedOf(this.#setup), sending: this.#sending };
      return { kind: "finished", object: (await finishedBefore(input, error)).object };
    }
  }

  async finish(parts: readonly StoredPart[], whole: WholeObject): Promise<StorageObject> {
    const { location, checksum, contentType } = this.#setup;
    const { object } = await completeUpload({
      upload: this.#upload,
      location,
      parts,
      whole,
      asked: askedOf(this.#setup),
      mustTell: checksum === "crc32c",
      sending: this.#sending,
    });
    const { bucket, name } = location;
    return { bucket, name, contentType, size: String(whole.size), ...object };
  }

  async discardAll(policy: RetryPolicy): Promise<void> {
    await abortUpload(this.#upload, { ...this.#sending, policy, signal: undefined });
  }
}

/** What the reply to a part says. */
export function partAnswer(reply: Reply): PartAnswer | Refusal {
  const answer = readPart(reply);
  if (answer.kind !== "stored") return answer;
  const { etag: tag, crc32c, md5 } = answer;
  return { kind: "stored", tag, crc32c, md5 };
}
