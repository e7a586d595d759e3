/** Going on from a checkpoint in one call. */

import type { TakenSource } from "../bytes/source.ts";
import { defaultTransport } from "../net/transport.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import { checkCheckpoint, type Checkpoint, checkProtocol, checkSameSource } from "./checkpoint.ts";
import { drive } from "./run_session.ts";
import { resumeSession, setupOf } from "./open.ts";
import type { UploadOptions, UploadSettings } from "./settings.ts";

/** Goes on from a checkpoint; what the caller says besides, such as a start URL, must agree with it. */
export async function resumeUpload<T>(
  source: TakenSource,
  checkpoint: Checkpoint,
  options: UploadOptions<T>,
  startUrl: string | undefined,
): Promise<T> {
  const from = checkCheckpoint(checkpoint);
  checkProtocol(from, chosenProtocol(options.protocol));
  checkAgreement(from, options, startUrl);
  return await goOn(source, from, options, false);
}

/** Goes on from a checkpoint that was checked. `isNew`: nobody can have sent anything to the session yet. */
export async function goOn<T>(
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
export function checkAgreement<T>(
  from: Checkpoint,
  options: UploadOptions<T>,
  startUrl: string | undefined,
): void {
  const compare = (name: string, isSame: boolean) => {
    if (isSame) return;
    throw new TypeError(`${name}: expected none, or the same as that of the checkpoint`);
  };
  const { totalBytes, checksum, contentType } = options;
  compare("totalBytes", totalBytes === undefined || totalBytes === from.totalBytes);
  compare("checksum", checksum === undefined || checksum === from.checksum);
  compare("contentType", !contentType || contentType === from.contentType);
  const isSame = startUrl === undefined || startUrl === from.uploadUrl;
  compare(options.url === undefined ? "name" : "url", isSame);
}
