/** The one call most users make. */

import { type TakenSource, takeSource, type UploadSource } from "../bytes/source.ts";
import { contentRangeProtocol } from "../protocol/content_range/mod.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import { defaultResource } from "../protocol/resources/default.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { type UploadType, withParameter } from "../protocol/upload_url.ts";
import { abortable } from "../net/clock.ts";
import { defaultTransport } from "../net/transport.ts";
import { checkChunkSize, checkOptions, checkTotalBytes, checkUpload } from "./check_arguments.ts";
import { claimedChecksums } from "./claimed_checksums.ts";
import { drive } from "./run_session.ts";
import { asMedia, asMultipart } from "./framing.ts";
import { isRepeatable, sendInOne } from "./send_in_one.ts";
import { MAX_BUFFERED } from "./stretch_feed.ts";
import { setupOf, startSession } from "./open.ts";
import { resumeUpload } from "./resume_upload.ts";
import { contentTypeOf } from "./source_type.ts";
import { Progress } from "./upload_progress.ts";
import {
  SETTING_NAMES,
  type StreamOptions,
  type UploadOptions,
  type UploadSettings,
} from "./settings.ts";
import { type BucketTarget, resumableUrl, type Start, startOf } from "./target.ts";
import { runCall } from "./upload_by_key.ts";
import { sendToSession } from "./upload_to_session.ts";

/** Up to this many bytes one request is as good as a session, where it is safe to repeat: what it loses, it sends again. */
const ONE_REQUEST = 8 * 1024 * 1024;

/**
 * Uploads a source and returns the object, finished and compared with what was read.
 *
 * It takes a resumable session, which survives failures at any moment and stores the object once; and a single request
 * where that is as good: up to 8 MiB (and no more than `chunkSize`) of a source that can be read anywhere (a Blob, bytes, a
 * string, `{ size, read }` such as a file), when `ifGenerationMatch` makes it safe to repeat or `retry: false` forbids to
 * repeat it, and nobody asks for checkpoints. It takes one connection. Where several carry more, as on servers with files of
 * some hundred megabytes, take `uploadParallel` of `@resumable-media/upload/parallel`.
 *
 * Failures that may pass are retried; see {@linkcode RetryOptions}. When it throws, a stream is cancelled with the error and a
 * {@linkcode ByteSource} is closed; a session stays open, and a checkpoint from `onCheckpoint` goes on with it. With `checkpoints`
 * and a `key` the next call does that by itself.
 *
 * @throws {UploadError} the upload cannot be finished; see its `code`
 * @throws {TypeError} an argument is of the wrong kind, or one that does not exist
 * @throws {RangeError} an argument is out of its bounds
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await upload(new Blob(["hello"]), {
 *   bucket: "my-bucket",
 *   name: "greetings/hello world.txt",
 *   contentType: "text/plain",
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 * });
 * console.log(object.name, object.size); // greetings/hello world.txt 5
 * ```
 *
 * @example Progress, and a checkpoint to go on from after a crash
 * ```ts
 * import { type Checkpoint, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * let saved: Checkpoint | undefined;
 * await upload(new Uint8Array(20_000_000), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   transport: new GcsEmulator().fetch,
 *   chunkSize: 8 * 1024 * 1024,
 *   onProgress: ({ sent, persisted, total }) => console.log(`${sent} sent, ${persisted} of ${total} stored`),
 *   onCheckpoint: (checkpoint) => void (saved = checkpoint), // store it; later: upload(source, { checkpoint: saved, … })
 * });
 * console.log(saved?.persisted); // 16777216
 * ```
 *
 * @example The same by a key: made again after a crash, the call goes on
 * ```ts
 * import { type Checkpoint, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * await upload(new Uint8Array(20_000_000), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   key: "zeros",
 *   checkpoints: new Map<string, Checkpoint>(), // a lasting one: @resumable-media/upload/checkpoints
 *   transport: new GcsEmulator().fetch,
 * });
 * ```
 */
export function upload(
  source: UploadSource,
  options: UploadSettings<StorageObject> & BucketTarget,
): Promise<StorageObject & { bucket: string; name: string }>;
/** Uploads a source to a start URL or to a session, or goes on from a checkpoint; see the first form. */
export function upload<T = StorageObject>(
  source: UploadSource,
  options: UploadOptions<T>,
): Promise<T>;
export async function upload<T>(source: UploadSource, options: UploadOptions<T>): Promise<T> {
  return await uploadTaken(source, takeSource(source), options);
}

/** Uploads a source that was taken before: in the turn in which the caller has given it. */
export function uploadTaken<T>(
  source: UploadSource,
  taken: TakenSource,
  options: UploadOptions<T>,
): Promise<T> {
  return runCall<T, UploadOptions<T>>(taken, {
    check() {
      checkOptions(options, SETTING_NAMES.upload, "upload");
      checkOfSession(options);
      return options;
    },
    startUrl: (options) => options.session === undefined ? sessionStartOf(options).url : undefined,
    run(taken, options) {
      if (options.session !== undefined) return sendToSession(source, taken, options);
      const { checkpoint } = options;
      if (!checkpoint) return startUpload(source, taken, options as StreamOptions<T>);
      const isNamed = options.bucket !== undefined || options.url !== undefined;
      const startUrl = isNamed ? sessionStartOf(options).url : undefined;
      return resumeUpload(taken, checkpoint, options, startUrl);
    },
  });
}

/** The start of a session that the options mean. */
function sessionStartOf<T>(options: UploadOptions<T>): Start {
  const start = startOf(options as StreamOptions<T>, options);
  const { name: protocol } = chosenProtocol(options.protocol);
  return { ...start, url: resumableUrl(start.url, protocol) };
}

/** What speaks of a session means nothing without one. */
function checkOfSession(options: object): void {
  const all = options as Readonly<Record<string, unknown>>;
  const name = ["granularity", "sessionIsNew"].find((name) => all[name] !== undefined);
  if (all.session !== undefined || name === undefined) return;
  throw new TypeError(`${name}: expected none without \`session\``);
}

async function startUpload<T>(
  source: UploadSource,
  taken: TakenSource,
  options: StreamOptions<T>,
): Promise<T> {
  const start = startOf(options, options);
  const contentType = contentTypeOf(source, options);
  checkTotalBytes(options.totalBytes, taken.size);
  const opened = await abortable(taken.open(), options.signal);
  const size = opened.kind === "random-access" ? opened.size : undefined;
  const isSmall = size !== undefined &&
    size <= Math.min(ONE_REQUEST, checkChunkSize(options.chunkSize ?? ONE_REQUEST));
  const { uploadType } = start;
  const { name: protocol } = chosenProtocol(options.protocol);
  if (
    uploadType !== undefined && uploadType !== "resumable" && protocol !== contentRangeProtocol.name
  ) {
    throw new TypeError(
      `url: expected no uploadType, or resumable, with the protocol ${protocol}, got ${uploadType}`,
    );
  }
  const type = uploadType ?? (isSmall ? pickType(start, options) : "resumable");
  const again = { ...taken, open: () => Promise.resolve(opened) };
  return type === "resumable"
    ? await uploadInSession(again, start, contentType, options)
    : await uploadInOne(type, again, size, start, contentType, options);
}

/** One request where that is safe to repeat, or is not to be repeated anyway, and needs no checkpoint; else a session. */
function pickType<T>({ url, headers, metadata }: Start, options: StreamOptions<T>): UploadType {
  const mayRepeat = options.retry !== null && options.retry !== false;
  const needsSession = options.onCheckpoint !== undefined ||
    chosenProtocol(options.protocol) !== contentRangeProtocol;
  const isSafe = isRepeatable({
    url,
    startHeaders: headers ?? new Headers(),
    repeatable: options.repeatable === true,
  });
  if (needsSession || (mayRepeat && !isSafe)) return "resumable";
  const carriesSums = options.checksum !== null &&
    (options.resource ?? defaultResource(url)).withChecksums !== undefined;
  return carriesSums || Object.keys(metadata).length > 0 ? "multipart" : "media";
}

/** A session that is started, and driven to its end. */
export async function uploadInSession<T>(
  source: TakenSource,
  { url, headers, metadata }: Start,
  contentType: string,
  options: StreamOptions<T>,
  onOpen?: (sessionUrl: string) => void,
): Promise<T> {
  const { name: protocol } = chosenProtocol(options.protocol);
  const setup = setupOf(resumableUrl(url, protocol), { ...options, headers });
  const { transport = defaultTransport, totalBytes, onCheckpoint, signal } = options;
  const claimed = claimedChecksums(setup.upload, metadata);
  const what = { metadata, contentType, claimed, totalBytes, streamFinal: true };
  const { open } = await startSession(setup, transport, source, what, signal);
  onOpen?.(open.session.state.url);
  return await drive(setup, open, { transport, onCheckpoint, signal });
}

async function uploadInOne<T>(
  type: "media" | "multipart",
  source: TakenSource,
  total: number | undefined,
  start: Start,
  contentType: string,
  options: StreamOptions<T>,
): Promise<T> {
  const { transport = defaultTransport, onProgress, signal } = options;
  const url = start.uploadType ? start.url : withParameter(start.url, "uploadType", type);
  const upload = checkUpload(url, options, start.headers);
  const framing = type === "media"
    ? asMedia(contentType)
    : asMultipart(start.metadata, contentType, upload.resource);
  const progress = new Progress(onProgress, upload.policy.clock);
  const isHeld = total !== undefined && total <= MAX_BUFFERED;
  if (!isHeld) progress.confirmed(0, total);
  const onHanded = () => {
    if (isHeld && progress.sent < total) progress.handed(total, 0, total);
  };
  const { value } = await sendInOne({
    upload,
    transport,
    source,
    framing,
    signal,
    onTaken(bytes) {
      if (isHeld && bytes >= total) onHanded();
      else progress.took(Math.min(bytes, total ?? bytes), 0, total);
    },
    onHanded,
  });
  if (total !== undefined) progress.finished(total);
  return value;
}
