/** An XML multipart upload by hand: opened, and made an object of its parts. */

import { type RetryOptions, retryPolicy } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";
import { locationOfXmlUrl } from "../protocol/object_url.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import { objectHeaders } from "../protocol/xml_multipart/object_headers.ts";
import {
  checkContentType,
  checkMetadata,
  checkOptions,
  checkTransport,
  checkUrl,
  invalidState,
} from "../upload/check_arguments.ts";
import { checkHeaders } from "../upload/headers.ts";
import { type CallOptions, OPTION_NAMES } from "../upload/upload_options.ts";
import type { WholeObject } from "./assembly.ts";
import { completeUpload } from "./completion.ts";
import { combined } from "./composition.ts";
import { abortUpload, initiateUpload, type Sending } from "./multipart_requests.ts";
import { MAX_PARTS } from "./plan.ts";

/** Options of {@linkcode XmlMultipartContainer}. */
export interface XmlMultipartContainerOptions {
  /** The ID of an upload that was initiated before, in another process perhaps. */
  uploadId?: string | undefined;
  /** Headers of every request, such as those of customer-supplied encryption keys. */
  headers?: HeadersInit | undefined;
  /** Fields of the object that headers can carry; they go with the initiation. */
  metadata?: ObjectMetadata | undefined;
  /** How failures that may pass are retried; `false` and `null` never retry. */
  retry?: RetryOptions | false | null | undefined;
}

/** What is known of a part besides its ETag: with it the object can be compared. */
export interface PartFacts {
  /** In bytes. */
  readonly size: number;
  /** CRC32C, base64. */
  readonly crc32c?: string | undefined;
}

interface RegisteredPart {
  readonly etag: string;
  readonly facts: PartFacts | undefined;
}

/**
 * Opens and finishes an XML multipart upload, whose parts {@linkcode XmlMultipartPart} uploads, at the same time and in other
 * processes if need be.
 *
 * Parts do not change the container: register each one. When the size and the CRC32C of all of them are registered, the finished
 * object is compared with what they add up to, and a lost reply to `finalize` can be settled by reading the object. An upload
 * that is neither finalized nor cancelled stays, and is paid for, until a lifecycle rule aborts it.
 *
 * The counterpart of `google.resumable_media.requests.XMLMPUContainer`. Protocol:
 * {@link https://cloud.google.com/storage/docs/multipart-uploads}
 *
 * @example
 * ```ts
 * import { XmlMultipartContainer, XmlMultipartPart } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of your own that adds credentials
 * const url = "https://storage.googleapis.com/my-bucket/zeros";
 * const data = new Uint8Array(6_000_000);
 *
 * const container = new XmlMultipartContainer(url);
 * await container.initiate(transport, "application/octet-stream");
 * for (const [number, start, end] of [[1, 0, 5_242_880], [2, 5_242_880, data.length]]) {
 *   const part = new XmlMultipartPart(url, container.uploadId!, data, start, end, number);
 *   await part.upload(transport);
 *   container.registerPart(part.partNumber, part.etag!, part);
 * }
 * await container.finalize(transport);
 * console.log(container.finished, container.object?.size); // true 6000000
 * ```
 */
export class XmlMultipartContainer {
  readonly #uploadUrl: string;
  readonly #sending: Omit<Sending, "signal" | "transport">;
  readonly #objectHeaders: Headers;
  readonly #parts = new Map<number, RegisteredPart>();
  #uploadId: string | undefined;
  #object: Partial<StorageObject> | undefined;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl the URL of the object in the XML API, without a query: `https://storage.googleapis.com/BUCKET/NAME`
   */
  constructor(uploadUrl: string | URL, options: XmlMultipartContainerOptions = {}) {
    const names = ["headers", "metadata", "retry", "uploadId"];
    checkOptions(options, names, "XmlMultipartContainer");
    this.#uploadUrl = checkObjectUrl(uploadUrl);
    const { startHeaders: headers } = checkHeaders(options.headers);
    this.#sending = { headers, policy: retryPolicy(options.retry) };
    this.#objectHeaders = objectHeaders(checkMetadata(options.metadata ?? {}));
    this.#uploadId = options.uploadId && checkUploadId(options.uploadId);
  }

  /** The URL of the object. */
  get uploadUrl(): string {
    return this.#uploadUrl;
  }

  /** The ID of the upload; `undefined` before `initiate`. */
  get uploadId(): string | undefined {
    return this.#uploadId;
  }

  /** Whether the object is made. */
  get finished(): boolean {
    return this.#object !== undefined;
  }

  /** What the server said of the object; `undefined` before. */
  get object(): Partial<StorageObject> | undefined {
    return this.#object;
  }

  /** Starts the upload. It can be called once, and not with an `uploadId` from before. */
  async initiate(
    transport: Transport,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Response> {
    const sending = this.#call(transport, options);
    checkContentType(contentType);
    if (this.#uploadId !== undefined) {
      throw invalidState("Cannot initiate: expected an upload that was not initiated yet");
    }
    const { uploadId, reply } = await initiateUpload(
      this.#uploadUrl,
      contentType,
      this.#objectHeaders,
      sending,
    );
    this.#uploadId = uploadId;
    return reply.response;
  }

  /**
   * Notes a part that is stored; one with the same number is replaced.
   *
   * @param partNumber from 1 to 10,000: the order of the parts in the object
   * @param etag as the server gave it: `part.etag`
   * @param facts size and CRC32C of the part, which a finished {@linkcode XmlMultipartPart} has
   */
  registerPart(partNumber: number, etag: string, facts?: PartFacts): void {
    checkPartNumber(partNumber);
    if (typeof etag !== "string" || etag === "") {
      throw new TypeError(`etag: expected that of a part, got ${JSON.stringify(etag)}`);
    }
    const known = facts && { size: facts.size, crc32c: facts.crc32c };
    this.#parts.set(partNumber, { etag, facts: known });
  }

  /** Makes the object of all parts that are registered. After a failure it can be called again. */
  async finalize(transport: Transport, options: CallOptions = {}): Promise<Response> {
    const sending = this.#call(transport, options);
    const uploadId = this.#opened("finalize");
    if (this.#parts.size === 0) {
      throw invalidState("Cannot finalize: expected parts that are registered, got none");
    }
    const parts = [...this.#parts].sort(([a], [b]) => a - b);
    const { reply, object } = await completeUpload({
      upload: { objectUrl: this.#uploadUrl, uploadId },
      location: locationOfXmlUrl(this.#uploadUrl),
      parts: parts.map(([number, { etag: tag }]) => ({ number, tag })),
      whole: wholeOf(parts.map(([, { facts }]) => facts)),
      mustTell: false,
      sending,
    });
    this.#object = object;
    return reply.response;
  }

  /** Ends the upload without an object, and removes its parts. */
  async cancel(transport: Transport, options: CallOptions = {}): Promise<Response> {
    const sending = this.#call(transport, options);
    const uploadId = this.#opened("cancel");
    const reply = await abortUpload({ objectUrl: this.#uploadUrl, uploadId }, sending);
    return reply.response;
  }

  #call(transport: Transport, options: CallOptions): Sending {
    checkTransport(transport);
    checkOptions(options, OPTION_NAMES.call, "XmlMultipartContainer");
    return { ...this.#sending, transport, signal: options.signal };
  }

  #opened(action: string): string {
    if (this.#object) throw invalidState(`Cannot ${action}: expected an upload that is open`);
    if (this.#uploadId !== undefined) return this.#uploadId;
    throw invalidState(`Cannot ${action}: expected an upload that was initiated; call initiate()`);
  }
}

/** What all parts add up to, where each one's size is known. */
function wholeOf(parts: readonly (PartFacts | undefined)[]): WholeObject | undefined {
  const known = parts.filter((facts) => facts !== undefined);
  if (known.length < parts.length) return undefined;
  return combined(known.map(({ size, crc32c }) => ({ size, crc32c })));
}

/** The URL of an object, without a query of an upload. */
export function checkObjectUrl(value: string | URL): string {
  const url = checkUrl(value, "uploadUrl");
  const { searchParams, hash } = new URL(url);
  if (hash === "" && !searchParams.has("uploads") && !searchParams.has("uploadId")) return url;
  throw new TypeError("uploadUrl: expected the URL of the object, without a query of an upload");
}

/** A number that a part can have. */
export function checkPartNumber(value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_PARTS) return value;
  throw new RangeError(`partNumber: expected 1 to ${MAX_PARTS}, got ${String(value)}`);
}

/** The ID of an upload; it is not shown. */
export function checkUploadId(value: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError("uploadId: expected the ID of an upload that was initiated, got none");
}
