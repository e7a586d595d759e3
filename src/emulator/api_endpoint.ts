/**
 * What wire protocols and APIs agree on: how an upload starts, and what becomes of it.
 *
 * @module
 */

import type { Incoming } from "./incoming.ts";
import type { ErrorForm, Refusal } from "./emulator_replies.ts";
import type { Service } from "./service.ts";
import type { DeclaredChecksums } from "./storage/checksums.ts";
import { type Content, QUANTUM } from "./storage/content.ts";

/** The APIs that take uploads here. */
export type ApiName =
  | "storage"
  | "firebase"
  | "drive"
  | "gemini"
  | "youtube"
  | "photos"
  | "showcase";

/** The two wire protocols: `Content-Range` with 308, and `X-Goog-Upload-*`. */
export type Protocol = "content-range" | "x-goog-upload";

/** What the start of an upload says, whichever protocol it speaks. */
export interface UploadStart {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The origin written into links. */
  readonly origin: string;
  /** The JSON that describes the upload; `null` if there is none. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly mediaType: string | null;
  /** The announced size in bytes, or `null`. */
  readonly size: number | null;
}

/** What the last request of an upload adds. */
export interface LastRequest {
  readonly checksums?: DeclaredChecksums;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A finished upload. */
export interface Finished {
  readonly size: number;
  /** The reply that says so, made anew each time. */
  reply(): Response;
}

/** What an upload is to become. */
export interface Destination {
  readonly errors: ErrorForm;
  /** The bucket, or `""` where the API has none. */
  readonly bucket: string;
  readonly name: string;
  /** Makes complete content what it is to be. */
  finish(content: Content, last: LastRequest): Promise<Finished | Refusal>;
}

/** One upload method of one API. */
export interface Endpoint {
  readonly api: ApiName;
  readonly errors: ErrorForm;
  /** The HTTP methods that start an upload. */
  readonly methods: readonly string[];
  readonly protocols: readonly Protocol[];
  /** What `X-Goog-Upload-Chunk-Granularity` says, in bytes; `null`: the header is absent. */
  readonly granularity: number | null;
  /** What a query of a finished `X-Goog-Upload` session says: the result once more, or only the size. */
  readonly finalQuery: "result" | "size";
  /** Why a start is refused before it is read. */
  admit?(service: Service, incoming: Incoming): Refusal | null;
  /** What an upload is to become, or why it cannot. */
  open(service: Service, start: UploadStart): Destination | Refusal;
}

/** 256 KiB: the usual granularity, and what Cloud Storage keeps of an unfinished upload. */
export const USUAL_GRANULARITY: number = QUANTUM;
