/** An upload that goes on where an earlier call with the same key has stopped. */

import type { Source, TakenSource } from "../bytes/source.ts";
import { UploadError, type UploadErrorCode } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { defaultTransport } from "../net/transport.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import { checkCheckpoint, type Checkpoint, checkProtocol, checkSameSource } from "./checkpoint.ts";
import { checkTransport } from "./check_arguments.ts";
import { keepsCheckpoints, KeptCheckpoint } from "./kept_checkpoints.ts";
import { checkAgreement } from "./resume_upload.ts";
import { checkSessionUrl } from "./session_url.ts";
import type { UploadOptions } from "./settings.ts";

/** After these, a session is of no use to any call. */
const DEAD: readonly UploadErrorCode[] = [
  "data_corruption",
  "precondition_failed",
  "session_cancelled",
  "session_gone",
  "source_changed",
];

/** Refusals that speak of the caller, not of the session. */
const OF_CALLER: readonly (number | undefined)[] = [401, 403, 407];

/** One call: `upload()`, or one for sessions only. */
export interface Call<T, O extends UploadOptions<T>> {
  /** The options, checked. */
  check(): O;
  /** The start URL that they mean; absent where a session is given. */
  startUrl?(options: UploadOptions<T>): string | undefined;
  /** Runs one upload: the source and the options are those of a single call without a key. */
  run(source: TakenSource, options: O): Promise<T>;
}

/** Makes a call, with a key or without; whatever fails lets go of the source. */
export async function runCall<T, O extends UploadOptions<T>>(
  source: TakenSource,
  call: Call<T, O>,
): Promise<T> {
  try {
    const options = call.check();
    checkTransport(options.transport ?? defaultTransport);
    return keepsCheckpoints(options)
      ? await uploadByKey(source, options, call)
      : await call.run(source, options);
  } catch (error) {
    source.release(error);
    throw error;
  }
}

/**
 * Takes up what is kept under the key, else begins; keeps checkpoints on the way, and forgets them at the end.
 *
 * A kept checkpoint that is of no use is replaced: the target, in the options of this call, says what is to be stored where.
 */
async function uploadByKey<T, O extends UploadOptions<T>>(
  source: TakenSource,
  options: O,
  call: Call<T, O>,
): Promise<T> {
  const { checkpoints: _, key: __, onCheckpointError: ___, onResume, ...withoutKey } = options;
  const { session, signal } = options;
  const startUrl = call.startUrl?.(options); // wrong arguments throw before anything is read
  const kept = new KeptCheckpoint(options);
  const result = await kept.exclusively(signal, async () => {
    const found = await abortable(kept.get(), signal);
    const { from, reason } = fitting(found, options, startUrl);
    if (found !== undefined && from === undefined) onResume?.({ resumed: false, reason });
    const keptOpen = keepOpen(await abortable(source.open(), signal));
    const reusable = { ...source, open: () => Promise.resolve(keptOpen.source), release: () => {} };
    let hasBegun = false;
    const onCheckpoint = async (checkpoint: Checkpoint) => {
      if (!hasBegun && from?.sessionUrl === checkpoint.sessionUrl) {
        onResume?.({ resumed: true, persisted: checkpoint.persisted });
      }
      hasBegun = true;
      await kept.set(checkpoint);
      await withoutKey.onCheckpoint?.(checkpoint);
    };
    const attempt = async (checkpoint: Checkpoint | undefined) => {
      const once = { ...withoutKey, checkpoint, onCheckpoint } as O;
      const value = await call.run(reusable, once);
      await kept.delete().catch(() => {}); // it is finished, whatever the store says
      return value;
    };
    try {
      if (from === undefined) return await attempt(undefined);
      return await attempt(from).catch(async (error: unknown) => {
        const isElsewhere = typeof session === "function" || session === undefined;
        if (hasBegun || !isOfNoUse(error) || !isElsewhere || !keptOpen.isWhole()) throw error;
        onResume?.({ resumed: false, reason: error });
        return await attempt(undefined);
      });
    } catch (error) {
      if (error instanceof UploadError && DEAD.includes(error.code)) {
        await kept.delete().catch(() => {}); // why the upload has failed says more
      }
      throw error;
    }
  });
  source.release();
  return result;
}

/** What is kept, where it is a checkpoint of an upload like this one; else why it is not. */
function fitting<T>(
  found: unknown,
  options: UploadOptions<T>,
  startUrl: string | undefined,
): { readonly from?: Checkpoint; readonly reason?: unknown } {
  if (found === undefined) return {};
  try {
    const from = checkCheckpoint(found);
    const protocol = chosenProtocol(options.protocol);
    checkProtocol(from, protocol);
    checkSameSource(from, { size: options.totalBytes });
    checkAgreement(from, options, startUrl);
    const { session } = options;
    const isOther = session !== undefined && typeof session !== "function" &&
      checkSessionUrl(session, protocol) !== from.sessionUrl;
    if (isOther) throw new TypeError("session: expected that of the checkpoint, got another one");
    return { from };
  } catch (reason) {
    return { reason };
  }
}

/** Whether a session could not be taken up for a reason that lies in it, or in the source: another one may do. */
function isOfNoUse(error: unknown): boolean {
  if (!(error instanceof UploadError) || error.retryable) return false;
  return error.code !== "invalid_state" &&
    !(error.code === "rejected" && OF_CALLER.includes(error.status));
}

/** The source for several sessions, one after the other, as long as all of it is there. */
function keepOpen(source: Source): { readonly source: Source; isWhole(): boolean } {
  const release = () => {};
  if (source.kind === "random-access") {
    return { source: { ...source, release }, isWhole: () => true };
  }
  const { read, seek } = source;
  let isWhole = true;
  const reading = <R>(read: (bytes: number) => R) => (bytes: number): R => {
    isWhole = false;
    return read(bytes);
  };
  const keptOpen = { ...source, release, read: reading(read), seek: seek && reading(seek) };
  return { source: keptOpen, isWhole: () => isWhole };
}
