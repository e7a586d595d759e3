/** One part of an XML multipart upload, by hand. */

import type { TakenSource } from "../bytes/source.ts";
import { type RetryOptions, retryPolicy } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { partRequest } from "../protocol/xml_multipart/xml_multipart_requests.ts";
import { checkOptions, checkTransport, invalidState } from "../upload/check_arguments.ts";
import { checkHeaders } from "../upload/headers.ts";
import { takeData, type UploadData } from "../upload/send_in_one.ts";
import { type CallOptions, OPTION_NAMES } from "../upload/upload_options.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import { partAnswer } from "./multipart_assembly.ts";
import {
  type PartStore,
  StoredPartSender,
  type StoredPartSenderOptions,
} from "./stored_part_sender.ts";
import { sliceOf } from "./part_source.ts";
import { LARGEST_PART } from "./parallel_settings.ts";
import { checkObjectUrl, checkPartNumber, checkUploadId } from "./xml_multipart_container.ts";

/** Options of {@linkcode XmlMultipartPart}. */
export interface XmlMultipartPartOptions {
  /** Headers of the request. */
  headers?: HeadersInit | undefined;
  /**
   * Which checksum is compared with what the server reports of the part: `auto` compares CRC32C where it is reported, `crc32c`
   * and `md5` require it, `null` computes none. Up to 8 MiB it also goes along, so that the server refuses a damaged part.
   *
   * @default {"auto"}
   */
  checksum?: "auto" | "crc32c" | "md5" | null | undefined;
  /** How failures that may pass are retried; `false` and `null` never retry. */
  retry?: RetryOptions | false | null | undefined;
}

/**
 * Uploads one part of an XML multipart upload, which {@linkcode XmlMultipartContainer} has opened.
 *
 * Several parts can read the same data at the same time. Up to 8 MiB of it are held; a larger part is read while it is sent. It is
 * sent again after a failure that may pass, and when it arrived damaged. Data with a `close` is not closed.
 *
 * The counterpart of `google.resumable_media.requests.XMLMPUPart`. See {@linkcode XmlMultipartContainer} for an example.
 */
export class XmlMultipartPart {
  readonly #uploadUrl: string;
  readonly #uploadId: string;
  readonly #taken: TakenSource;
  readonly #start: number;
  readonly #end: number;
  readonly #partNumber: number;
  readonly #headers: Headers;
  readonly #options: Omit<StoredPartSenderOptions, "transport">;
  #stored: StoredPart | undefined;

  /**
   * Prepares a part; nothing is sent yet.
   *
   * @param uploadUrl the URL of the object in the XML API, without a query
   * @param uploadId that of the container
   * @param source where the part's bytes are, among others: a Blob, bytes, a string or `{ size, read }`
   * @param start where the part begins in it, in bytes
   * @param end where it ends, in bytes: behind its last byte
   * @param partNumber from 1 to 10,000: the order of the parts in the object
   */
  constructor(
    uploadUrl: string | URL,
    uploadId: string,
    source: UploadData,
    start: number,
    end: number,
    partNumber: number,
    options: XmlMultipartPartOptions = {},
  ) {
    checkOptions(options, ["checksum", "headers", "retry"], "XmlMultipartPart");
    this.#uploadUrl = checkObjectUrl(uploadUrl);
    this.#uploadId = checkUploadId(uploadId);
    this.#taken = takeData(source);
    checkRange(start, end, this.#taken.size);
    this.#start = start;
    this.#end = end;
    this.#partNumber = checkPartNumber(partNumber);
    this.#headers = checkHeaders(options.headers).startHeaders;
    const { checksum = "auto" } = options;
    if (!["auto", "crc32c", "md5", null].includes(checksum)) {
      throw new TypeError(
        `checksum: expected "auto", "crc32c", "md5" or null, got ${JSON.stringify(checksum)}`,
      );
    }
    const mustTell = checksum === "crc32c" || checksum === "md5";
    this.#options = { policy: retryPolicy(options.retry), checksum, mustTell };
  }

  /** The URL of the object. */
  get uploadUrl(): string {
    return this.#uploadUrl;
  }

  /** The ID of the upload. */
  get uploadId(): string {
    return this.#uploadId;
  }

  /** The number of the part. */
  get partNumber(): number {
    return this.#partNumber;
  }

  /** Where the part begins in the source, in bytes. */
  get start(): number {
    return this.#start;
  }

  /** Where it ends, in bytes: behind its last byte. */
  get end(): number {
    return this.#end;
  }

  /** Its size in bytes. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** What the server calls the stored part, with the quotes; `undefined` before. */
  get etag(): string | undefined {
    return this.#stored?.tag;
  }

  /** CRC32C of its bytes, base64; `undefined` before it is stored, and with `checksum: null`. */
  get crc32c(): string | undefined {
    return this.#stored?.crc32c;
  }

  /** Whether the part is stored. */
  get finished(): boolean {
    return this.#stored !== undefined;
  }

  /** Sends the part until it is stored. After a failure it can be called again. */
  async upload(transport: Transport, options: CallOptions = {}): Promise<Response> {
    checkTransport(transport);
    checkOptions(options, OPTION_NAMES.call, "upload");
    if (this.#stored) throw invalidState("Cannot upload the part: it is stored already");
    const signal = options.signal ?? new AbortController().signal;
    const source = await this.#taken.open();
    if (source.kind !== "random-access") {
      throw new TypeError("source: expected its size to be known, got one that is read once");
    }
    const upload = { objectUrl: this.#uploadUrl, uploadId: this.#uploadId };
    let last: Reply | undefined;
    const store: PartStore = {
      isOpened: true,
      request: ({ number }, { body }, sums) => ({
        ...partRequest(upload, number, this.#headers, sums),
        body,
      }),
      read: (reply) => partAnswer(last = reply),
    };
    const range = { number: this.#partNumber, offset: this.#start, size: this.size };
    const sender = new StoredPartSender({ ...this.#options, transport }, store);
    this.#stored = await sender.send(range, sliceOf(source, range), false, () => {}, signal);
    return last!.response;
  }
}

function checkRange(start: number, end: number, size = Infinity): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start &&
    start <= end && end <= size;
  if (!isRange) {
    throw new RangeError(
      `start, end: expected a range within the ${size} bytes of the source, got ${start} to ${end}`,
    );
  }
  if (end - start > LARGEST_PART) {
    throw new RangeError(`end: expected a part of at most ${LARGEST_PART} bytes, got more`);
  }
}
