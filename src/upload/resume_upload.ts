/** Going on with an upload in one call: from a checkpoint, or in a session that somebody else has opened. */

import type { TakenSource, UploadSource } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { defaultTransport } from "../net/transport.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import { checkCheckpoint, type Checkpoint, checkProtocol, checkSameSource } from "./checkpoint.ts";
import { checkChunkSize, checkTotalBytes } from "./checks.ts";
import { drive } from "./drive.ts";
import { checkGranularity, checkpointOfSession } from "./hand_off.ts";
import { defaultChunkSize, resumeSession, setupOf } from "./open.ts";
import type { SessionTarget, UploadOptions, UploadSettings } from "./settings.ts";
import { contentTypeOf } from "./source_type.ts";
import { resumableUrl, startOf } from "./target.ts";

/** Goes on from a checkpoint; what the caller says besides must agree with it. */
export async function resumeUpload<T>(
  source: TakenSource,
  checkpoint: Checkpoint,
  options: UploadOptions<T>,
): Promise<T> {
  const from = checkCheckpoint(checkpoint);
  checkAgreement(from, options);
  return await goOn(source, from, options, false);
}

async function goOn<T>(
  source: TakenSource,
  from: Checkpoint,
  options: UploadSettings<T>,
  isNew: boolean,
): Promise<T> {
  const { transport = defaultTransport, verifyPrefix, onCheckpoint, signal } = options;
  checkSameSource(from, source);
  const { chunkSize = from.chunkSize, checksum = from.checksum } = options;
  const setup = setupOf(from.uploadUrl, { ...options, chunkSize, checksum });
  checkProtocol(from, setup.protocol);
  // Its server has replied to the process that made the checkpoint; the URL of a session may be of any.
  if (from.persisted > 0) setup.upload.policy.server.hasReplied = true;
  const open = await resumeSession(setup, source, from, { verifyPrefix, isNew }, signal);
  return await drive(setup, open, { transport, onCheckpoint, signal });
}

/** What the caller says besides a checkpoint was decided at its start: it must be the same. */
export function checkAgreement<T>(from: Checkpoint, options: UploadOptions<T>): void {
  const compare = (name: string, isSame: boolean) => {
    if (isSame) return;
    throw new TypeError(`${name}: expected none, or the same as that of the checkpoint`);
  };
  const { totalBytes, checksum, contentType } = options;
  compare("totalBytes", totalBytes === undefined || totalBytes === from.totalBytes);
  compare("checksum", checksum === undefined || checksum === from.checksum);
  compare("contentType", !contentType || contentType === from.contentType);
  if (options.bucket === undefined && options.url === undefined) return;
  const { url } = startOf(options, options);
  const start = resumableUrl(url, from.protocol ?? "content-range");
  compare(options.url === undefined ? "name" : "url", start === from.uploadUrl);
}

/** How many sessions are asked for, one after the other, if each one turns out to be gone. */
const MOST_SESSIONS = 3;

/** What is decided where a session is opened. */
const DECIDED_BEFORE = [
  "bucket",
  "endpoint",
  "ifGenerationMatch",
  "metadata",
  "method",
  "name",
  "query",
  "startHeaders",
  "url",
];

/** Uploads to a session that somebody else has opened. */
export async function uploadToSession<T>(
  source: UploadSource,
  taken: TakenSource,
  options: UploadSettings<T> & SessionTarget,
): Promise<T> {
  checkDecided(options);
  const { session, signal, totalBytes } = options;
  checkTotalBytes(totalBytes, taken.size);
  const chunkSize = checkChunkSize(options.chunkSize ?? defaultChunkSize(taken));
  checkGranularity(options.granularity, chunkSize);
  const opened = await abortable(taken.open(), signal);
  const known = {
    chunkSize,
    contentType: contentTypeOf(source, { contentType: options.contentType }),
    totalBytes: totalBytes ?? (opened.kind === "random-access" ? opened.size : undefined),
    granularity: options.granularity,
    protocol: chosenProtocol(options.protocol),
  };
  const fetched = async () =>
    typeof session === "function" ? await abortable(Promise.resolve(session()), signal) : session;
  // Several sessions may read the source, one after the other, so none of them lets it go.
  const lent = { ...opened, release: () => {} };
  const borrowed = { ...taken, open: () => Promise.resolve(lent), release: () => {} };
  let from = options.checkpoint && checkCheckpoint(options.checkpoint);
  let isNew = options.sessionIsNew === true && from === undefined;
  for (let sessions = 1;; sessions++) {
    from ??= checkCheckpoint(checkpointOfSession(await fetched(), known));
    try {
      const result = await goOn(borrowed, from, options, isNew);
      taken.release();
      return result;
    } catch (error) {
      const isGone = error instanceof UploadError && error.code === "session_gone";
      const canAgain = typeof session === "function" && opened.kind === "random-access";
      if (!isGone || !canAgain || sessions === MOST_SESSIONS) throw error;
      from = undefined;
      isNew = false;
    }
  }
}

function checkDecided(options: object): void {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const name = DECIDED_BEFORE.find((name) => given[name] !== undefined);
  if (name === undefined) return;
  throw new TypeError(`${name}: expected none with \`session\`, which was opened with its own`);
}
