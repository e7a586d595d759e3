/** Sessions that one program opens and another one uploads to. */

import { typeInWords } from "../errors.ts";
import { defaultTransport, type Transport } from "../net/transport.ts";
import { OCTET_STREAM } from "../protocol/media_type.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import { startUrlOf } from "../protocol/upload_url.ts";
import type { UploadProtocol } from "../protocol/upload_protocol.ts";
import type { Checkpoint } from "./checkpoint.ts";
import {
  checkContentType,
  checkOptions,
  checkResumable,
  checkTotalBytes,
  checkTransport,
  checkUpload,
  isCount,
} from "./check_arguments.ts";
import { claimedChecksums } from "./claimed_checksums.ts";
import { openAtServer } from "./open.ts";
import { SESSION_LIFETIME } from "./session_lifetime.ts";
import { checkSessionUrl } from "./session_url.ts";
import { type OneShotOptions, OPTION_NAMES } from "./upload_options.ts";
import { resumableUrl, startOf, type Target, TARGET_NAMES } from "./target.ts";

/** A session that somebody else can upload to. */
export interface HandedOverSession {
  /** The URL of the session, a secret: with it anyone can store the object. It needs no credentials. */
  readonly url: string;
  /** Until when it can be used, RFC 3339: a week from now, as Cloud Storage has it. */
  readonly expires: string;
  /** Requests that are not the last one carry a multiple of this many bytes. */
  readonly granularity: number;
}

/** How a session is opened for somebody else: options of {@linkcode createUploadSession}. */
export interface SessionSettings
  extends Omit<OneShotOptions<StorageObject>, "checksum" | "repeatable" | "resource"> {
  /** Sends the request, and adds credentials to it. The default is `fetch`, which adds none. */
  transport?: Transport | undefined;
  /** The media type of the object. */
  contentType?: string | undefined;
  /** The size of the object in bytes; the session takes no other one. */
  totalBytes?: number | undefined;
  /** Fields of the object resource. */
  metadata?: ObjectMetadata | undefined;
  /**
   * The origin of the page that will upload, such as `https://app.example`: the session then answers this origin's requests
   * with the headers that CORS needs, and no other's.
   */
  origin?: string | undefined;
  /** Store only if this is the object's live generation; `0` means that there must be none. */
  ifGenerationMatch?: number | string | undefined;
  /** The wire protocol. The default is that of `Content-Range` and 308. */
  protocol?: UploadProtocol | undefined;
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Opens a session for somebody else: on a server with credentials, for a page without any. Name, metadata, media type, size
 * and precondition are decided here, and cannot be changed by who uploads. The page hands the URL to
 * `upload(file, { session })`.
 *
 * @example A server opens the session, a page uploads to it
 * ```ts
 * import { createUploadSession, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const { fetch } = new GcsEmulator();
 *
 * // On the server, with a transport that adds credentials:
 * const { url } = await createUploadSession({
 *   bucket: "my-bucket",
 *   name: "users/17/photo.jpg",
 *   contentType: "image/jpeg",
 *   origin: "https://app.example",
 *   ifGenerationMatch: 0,
 *   transport: fetch,
 * });
 *
 * // In the page, without any:
 * const object = await upload(new Blob(["…"]), { session: url, transport: fetch });
 * console.log(object.name); // users/17/photo.jpg
 * ```
 */
export async function createUploadSession(
  options: SessionSettings & Target,
): Promise<HandedOverSession> {
  checkOptions(options, SESSION_NAMES, "createUploadSession");
  const { transport = defaultTransport, totalBytes, signal, origin } = options;
  checkTransport(transport);
  checkTotalBytes(totalBytes, undefined);
  const protocol = chosenProtocol(options.protocol);
  const start = startOf(options, options);
  checkResumable(start.uploadType, "a session");
  const contentType = checkContentType(
    options.contentType || start.metadata.contentType || OCTET_STREAM,
  );
  const startHeaders = new Headers(options.startHeaders);
  if (origin !== undefined) startHeaders.set("origin", checkOrigin(origin));
  const { method, retry } = options;
  const upload = checkUpload(resumableUrl(start.url, protocol.name), {
    method,
    retry,
    headers: start.headers,
    startHeaders,
  });
  claimedChecksums(upload, start.metadata);
  const what = { metadata: start.metadata, contentType, total: totalBytes };
  const { answer } = await openAtServer({ upload, protocol }, transport, what, signal);
  const expires = new Date(upload.policy.clock.now() + SESSION_LIFETIME).toISOString();
  return { url: answer.url, expires, granularity: answer.granularity };
}

const SESSION_NAMES: readonly string[] = [
  ...OPTION_NAMES.oneShot.filter((name) => !["checksum", "repeatable", "resource"].includes(name)),
  ...TARGET_NAMES,
  "contentType",
  "ifGenerationMatch",
  "metadata",
  "origin",
  "protocol",
  "signal",
  "totalBytes",
  "transport",
];

function checkOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new TypeError('origin: expected one such as "https://app.example", got something else');
}

/** What is known of a session that somebody else has opened. */
export interface AttachedSession {
  readonly chunkSize: number;
  readonly contentType: string;
  readonly totalBytes: number | undefined;
  readonly granularity: number | undefined;
  readonly protocol: UploadProtocol;
}

/** A session that somebody else has opened, as a checkpoint of which nothing is confirmed. */
export function checkpointOfSession(
  session: string | URL,
  { chunkSize, contentType, totalBytes, granularity, protocol }: AttachedSession,
): Checkpoint {
  const sessionUrl = checkSessionUrl(session, protocol);
  checkGranularity(granularity, chunkSize);
  return {
    version: 1,
    uploadUrl: startUrlOf(sessionUrl),
    sessionUrl,
    chunkSize,
    persisted: 0,
    ...(totalBytes !== undefined && { totalBytes }),
    contentType,
    checksum: "auto",
    ...(protocol.name !== "content-range" && { protocol: protocol.name }),
    ...(granularity !== undefined && { granularity }),
  };
}

/** What chunks are a multiple of: a number of bytes that fits into one of them. */
export function checkGranularity(granularity: number | undefined, chunkSize: number): void {
  if (granularity === undefined) return;
  if (!isCount(granularity) || granularity === 0) {
    throw new RangeError(
      `granularity: expected a positive whole number of bytes, got ${typeInWords(granularity)}`,
    );
  }
  if (chunkSize < granularity) {
    throw new RangeError(
      `chunkSize: expected at least the granularity, ${granularity} bytes, got ${chunkSize}`,
    );
  }
}
