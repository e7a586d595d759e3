/** Opening a session: at the server, or from what is known of one. */

import { continueChecksum, startChecksum } from "../bytes/running_checksum.ts";
import type { Source, TakenSource } from "../bytes/source.ts";
import { abortable } from "../net/clock.ts";
import type { Reply } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range/ranges.ts";
import type { Checksums } from "../protocol/hashes.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import type { OpenedSession, UploadProtocol } from "../protocol/upload_protocol.ts";
import { signatureOf } from "../protocol/upload_url.ts";
import { type Checkpoint, checkSameSource } from "./checkpoint.ts";
import {
  checkChunkSize,
  type CheckedUpload,
  checkTotalBytes,
  checkUpload,
  isUnbounded,
} from "./check_arguments.ts";
import { computedKind } from "./claimed_checksums.ts";
import { aligned, type Feed } from "./feed.ts";
import type { ResumableUploadOptions } from "./upload_options.ts";
import { Progress } from "./upload_progress.ts";
import { request } from "./request.ts";
import { type ResumedFrom, UploadSession } from "./open_session.ts";
import { StretchFeed } from "./stretch_feed.ts";
import { WindowFeed } from "./window_feed.ts";

/** What is decided before a session is opened. */
export interface SessionSetup<T> {
  readonly upload: CheckedUpload<T>;
  readonly protocol: UploadProtocol;
  /** The most bytes of a request; `undefined` for what suits the source. */
  readonly chunkSize: number | undefined;
  readonly progress: Progress;
}

/** What is decided before a session is opened; `url` has been checked. */
export function setupOf<T>(
  url: string,
  options: ResumableUploadOptions<T> & { readonly chunkSize?: number | undefined },
): SessionSetup<T> {
  const upload = checkUpload(url, options);
  return {
    upload,
    protocol: chosenProtocol(options.protocol),
    chunkSize: options.chunkSize === undefined ? undefined : checkChunkSize(options.chunkSize),
    progress: new Progress(options.onProgress, upload.policy.clock),
  };
}

/** What a new session is to store. */
export interface NewUpload {
  readonly metadata: ObjectMetadata;
  readonly contentType: string;
  /** What the caller says that the whole has. */
  readonly claimed: Checksums;
  readonly totalBytes: number | undefined;
  readonly streamFinal: boolean;
}

/** An open session with what a checkpoint of it says. */
export interface OpenUpload<T> {
  readonly session: UploadSession<T>;
  readonly source: TakenSource;
  readonly contentType: string;
  readonly chunkSize: number;
  readonly granularity: number;
}

/** How a session from before is taken up. */
export interface ResumeChoices {
  /** Whether what is stored is read again; the default is that it is. */
  readonly verifyPrefix?: boolean | undefined;
  /** Whether nobody can have sent anything yet. */
  readonly isNew?: boolean | undefined;
}

/** 64 MiB: what a source that can be read anywhere begins with. Nothing of it is held. */
const LONG_CHUNK = 64 * 1024 * 1024;

/** 1 GiB: what its requests grow to. */
const LONGEST_CHUNK = 1024 * 1024 * 1024;

/** 8 MiB: what a source that is read once begins with; two of these are held. */
const HELD_CHUNK = 8 * 1024 * 1024;

/** 16 MiB: what its requests grow to, within the memory of a Worker. */
const LARGEST_HELD_CHUNK = 2 * HELD_CHUNK;

/** Starts a session at the server. */
export async function startSession<T>(
  setup: SessionSetup<T>,
  transport: Transport,
  source: TakenSource,
  what: NewUpload,
  signal: AbortSignal | undefined,
): Promise<{ readonly open: OpenUpload<T>; readonly reply: Reply }> {
  const { upload } = setup;
  const { metadata, contentType, claimed, totalBytes, streamFinal } = what;
  const opened = await abortable(source.open(), signal);
  const size = opened.kind === "random-access" ? opened.size : undefined;
  checkTotalBytes(totalBytes, size);
  const chunkSize = chunkSizeFor(opened, setup.chunkSize);
  const declared = totalBytes ?? (streamFinal ? size : undefined);
  const checksum = await startChecksum(computedKind(upload, claimed));
  const asked = { metadata, contentType, total: declared };
  const { reply, answer } = await openAtServer(setup, transport, asked, signal);
  const { granularity, maxRequestBytes = Infinity } = answer;
  const feed = openFeed(setup, opened, { declared, checksum, chunkSize, granularity });
  const session = new UploadSession<T>({
    ...sessionOptions(setup, feed, { contentType, declared, granularity, metadata }),
    url: answer.url,
    claimed,
    maxBytes: aligned(Math.min(chunkSize, maxRequestBytes), granularity),
    growsTo: Math.min(growthOf(opened, setup.chunkSize) ?? chunkSize, maxRequestBytes),
  });
  return { open: { session, source, contentType, chunkSize, granularity }, reply };
}

/** Asks the server for a session. */
export async function openAtServer<T>(
  { upload, protocol }: Pick<SessionSetup<T>, "upload" | "protocol">,
  transport: Transport,
  { metadata, contentType, total }: {
    readonly metadata: ObjectMetadata;
    readonly contentType: string;
    readonly total: number | undefined;
  },
  signal: AbortSignal | undefined,
): Promise<{ readonly reply: Reply; readonly answer: OpenedSession }> {
  const { url, method, startHeaders: headers, policy, resource } = upload;
  const isEmpty = Object.keys(metadata).length === 0 && !resource.takesHash;
  const json = isEmpty || signatureOf(url) ? undefined : JSON.stringify(metadata);
  const head = protocol.start({ method, url, headers, metadata: json, contentType, total });
  return await request((reply) => protocol.opened(reply, url), {
    transport,
    request: { ...head, body: json ?? "" },
    policy,
    signal,
    action: "initiate",
    isSession: false,
  });
}

/** Takes up a session from before; nothing is sent yet. A new one needs not be asked. */
export async function resumeSession<T>(
  setup: SessionSetup<T>,
  source: TakenSource,
  from: Checkpoint,
  { verifyPrefix = true, isNew = false }: ResumeChoices,
  signal: AbortSignal | undefined,
): Promise<OpenUpload<T>> {
  const { persisted, crc32c, totalBytes: declared, sessionUrl: url, contentType } = from;
  const { granularity = UPLOAD_CHUNK_SIZE } = from;
  const opened = await abortable(source.open(), signal);
  // A size of 0 is known only now.
  if (opened.kind === "random-access") checkSameSource(from, { ...source, size: opened.size });
  const chunkSize = chunkSizeFor(opened, setup.chunkSize);
  const { claimed } = setup.upload;
  const checksum = await startChecksum(computedKind(setup.upload, claimed));
  const feed = openFeed(setup, opened, { declared, checksum, chunkSize, granularity });
  const resumed: ResumedFrom | undefined = isNew ? undefined : {
    persisted,
    crc32c,
    reread: !trustsPrefix(feed, from, setup.upload, verifyPrefix),
  };
  const session = new UploadSession<T>({
    ...sessionOptions(setup, feed, { contentType, declared, granularity, metadata: {} }),
    url,
    claimed,
    maxBytes: aligned(chunkSize, granularity),
    growsTo: growthOf(opened, setup.chunkSize) ?? chunkSize,
  }, resumed);
  return { session, source, contentType, chunkSize, granularity };
}

/** Begins at the checkpoint instead of at the first byte, where checksum, source and caller allow it. */
function trustsPrefix<T>(
  feed: Feed,
  { persisted, crc32c }: Checkpoint,
  upload: CheckedUpload<T>,
  verifyPrefix: boolean,
): boolean {
  const kind = computedKind(upload, upload.claimed);
  if (kind === null) return feed.seek(persisted, undefined);
  if (verifyPrefix || kind !== "crc32c" || crc32c === undefined) return false;
  const checksum = continueChecksum(persisted, crc32c);
  return checksum !== undefined && feed.seek(persisted, checksum);
}

/** Where an open upload stands, to be stored. */
export function checkpointOf<T>(setup: SessionSetup<T>, open: OpenUpload<T>): Checkpoint {
  const { session, source: { lastModified, identity }, contentType, chunkSize, granularity } = open;
  const { state: { url, persisted }, persistedCrc32c: crc32c, total: totalBytes } = session;
  const { upload, protocol: { name: protocol } } = setup;
  return {
    version: 1,
    uploadUrl: upload.url,
    sessionUrl: url,
    chunkSize,
    persisted,
    ...(crc32c !== undefined && { crc32c }),
    ...(totalBytes !== undefined && { totalBytes }),
    ...(lastModified !== undefined && { lastModified }),
    ...(identity !== undefined && { identity }),
    contentType,
    checksum: upload.checksum,
    ...(protocol !== "content-range" && { protocol }),
    ...(granularity !== UPLOAD_CHUNK_SIZE && { granularity }),
  };
}

/** What suits a source, as far as its kind is known before it is opened. */
export function defaultChunkSize({ size }: TakenSource): number {
  return size === undefined ? HELD_CHUNK : LONG_CHUNK;
}

/** The most bytes of a request: as the caller wants it, or as suits the source. */
function chunkSizeFor({ kind }: Source, requested: number | undefined): number {
  if (kind === "random-access") return requested ?? LONG_CHUNK;
  if (requested !== undefined && isUnbounded(requested)) {
    throw new RangeError(
      "chunkSize: expected a number of bytes for a source that is read once, of which two chunks are held, got Infinity",
    );
  }
  return requested ?? HELD_CHUNK;
}

/** Up to how many bytes requests grow, where the caller does not say how large they are. */
function growthOf({ kind }: Source, requested: number | undefined): number | undefined {
  if (requested !== undefined) return undefined;
  return kind === "random-access" ? LONGEST_CHUNK : LARGEST_HELD_CHUNK;
}

function openFeed<T>(
  { upload }: SessionSetup<T>,
  source: Source,
  options: Omit<ConstructorParameters<typeof StretchFeed>[1], "sendsHash">,
): Feed {
  const all = { ...options, sendsHash: upload.resource.takesHash === true };
  return source.kind === "random-access"
    ? new StretchFeed(source, all)
    : new WindowFeed(source, all);
}

/** What every session takes over from its setup. */
function sessionOptions<T>(
  { upload, protocol, progress }: SessionSetup<T>,
  feed: Feed,
  { metadata, ...more }: {
    contentType: string;
    declared: number | undefined;
    granularity: number;
    metadata: ObjectMetadata;
  },
) {
  const { url: startUrl, method, headers, startHeaders, policy, resource, checksum } = upload;
  const context = { startUrl, method, metadata };
  return {
    context,
    headers,
    startHeaders,
    policy,
    resource,
    checksum,
    protocol,
    progress,
    feed,
    ...more,
  };
}
