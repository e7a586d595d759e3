/** The call of those who were given a session: a page, as a rule. */

import { type TakenSource, takeSource, type UploadSource } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { checkCheckpoint } from "./checkpoint.ts";
import { checkChunkSize, checkOptions, checkTotalBytes } from "./check_arguments.ts";
import { checkGranularity, checkpointOfSession } from "./hand_off.ts";
import { defaultChunkSize } from "./open.ts";
import { goOn } from "./resume_upload.ts";
import {
  DECIDED_BEFORE,
  type SessionTarget,
  type SessionUploadOptions,
  SETTING_NAMES,
  type UploadSettings,
} from "./settings.ts";
import { contentTypeOf } from "./source_type.ts";
import { runCall } from "./upload_by_key.ts";

/**
 * Uploads a source to a session that somebody else has opened, and returns the object: {@linkcode upload} with `session`, and
 * nothing else. Where no upload is started, as in most pages, this is all that has to be bundled; docs/browsers.md has the
 * sizes.
 *
 * Name, metadata, media type and precondition were decided where the session was opened ({@linkcode createUploadSession}), and
 * no credentials are needed. All else is as with `upload()`: progress, checkpoints, retries, an abort, what is compared, and
 * when the source is let go.
 *
 * @param source what {@linkcode UploadSource} says
 * @param session its URL, or a function that fetches one: it is called when the upload begins, unless there is a checkpoint,
 * and again when the session is gone and the source can be read again
 * @throws {UploadError} the upload cannot be finished; see its `code`
 * @throws {TypeError} an argument is of the wrong kind, or one that does not exist
 * @throws {RangeError} an argument is out of its bounds
 *
 * @example
 * ```ts
 * import { createUploadSession, uploadToSession } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // leave it out in a page
 *
 * // On a server, with credentials:
 * const { url } = await createUploadSession({ bucket: "my-bucket", name: "photo.jpg", transport });
 *
 * // In a page:
 * const object = await uploadToSession(new Blob(["…"]), url, {
 *   transport,
 *   onProgress: ({ persisted, total }) => console.log(`${persisted} of ${total} bytes stored`),
 * });
 * console.log(object.name); // photo.jpg
 * ```
 */
export async function uploadToSession<T = StorageObject>(
  source: UploadSource,
  session: SessionTarget["session"],
  options: SessionUploadOptions<T> = {},
): Promise<T> {
  return await runCall(takeSource(source), {
    check() {
      checkOptions(options, SETTING_NAMES.session, "uploadToSession");
      if (session !== undefined && session !== null) return { ...options, session };
      throw new TypeError(
        `session: expected its URL, or a function that fetches it, got ${session}`,
      );
    },
    run: (taken, options) => sendToSession(source, taken, options),
  });
}

/** How many sessions are asked for, one after the other, if each one turns out to be gone. */
const MAX_SESSIONS = 3;

/** Uploads to a session that somebody else has opened: `upload()` and `uploadToSession()` with checked options. */
export async function sendToSession<T>(
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
  const keptOpen = { ...opened, release: () => {} };
  const reusable = { ...taken, open: () => Promise.resolve(keptOpen), release: () => {} };
  let from = options.checkpoint && checkCheckpoint(options.checkpoint);
  let isNew = options.sessionIsNew === true && from === undefined;
  for (let sessions = 1;; sessions++) {
    from ??= checkCheckpoint(checkpointOfSession(await fetched(), known));
    try {
      const result = await goOn(reusable, from, options, isNew);
      taken.release();
      return result;
    } catch (error) {
      const isGone = error instanceof UploadError && error.code === "session_gone";
      const canAgain = typeof session === "function" && opened.kind === "random-access";
      if (!isGone || !canAgain || sessions === MAX_SESSIONS) throw error;
      from = undefined;
      isNew = false;
    }
  }
}

function checkDecided(options: object): void {
  const all: Readonly<Record<string, unknown>> = { ...options };
  const name = DECIDED_BEFORE.find((name) => all[name] !== undefined);
  if (name === undefined) return;
  throw new TypeError(`${name}: expected none with \`session\`, which was opened with its own`);
}
