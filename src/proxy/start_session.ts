/** Starts of uploads: what the operator's code makes of them, the session that is opened, and objects in one request. */

import { type Chunk, namedBackend, type NewObject } from "./backend.ts";
import type { BodyBounds, PassedBody } from "./request_body.ts";
import { type Core, counting, noHash, note, type OpenSession } from "./core.ts";
import type { UploadGrant } from "./grant.ts";
import { badGateway } from "./http_error.ts";
import { finishEvent, runFinish, runHook, type StartEvent } from "./hooks.ts";
import type { Trace } from "./log.ts";
import type { Outcome, Refused } from "./outcome.ts";
import { type SealedSession, sessionName } from "./session_token.ts";
import { changedStart, type Start } from "./start_request.ts";

/** In seconds. */
const DAY = 86_400;

/** An upload that is asked for, as it may start. */
export interface RequestedUpload {
  readonly start: Start;
  readonly grant: UploadGrant;
  readonly request: Request;
  /** What a tus client wrote about its file, to be told again. */
  readonly uploadMetadata?: string | undefined;
  /** Whether a client of the IETF's protocol starts it. */
  readonly isResumableHttp?: boolean | undefined;
}

/** Asks the operator's code whether an upload may start, and as what. */
export async function decide(
  core: Core,
  uploadType: StartEvent["uploadType"],
  { start, grant, request }: RequestedUpload,
): Promise<Start> {
  const { onStart } = core.hooks;
  if (!onStart) return start;
  const { subject, payload } = grant;
  const { bucket, name, contentType, size, metadata } = start;
  const backend = namedBackend(start.backend);
  const event = {
    uploadType,
    subject,
    payload: structuredClone(payload),
    ...(backend !== undefined && { backend }),
    bucket,
    name,
    contentType,
    size,
    metadata,
    request,
  };
  return await runHook("onStart", async () => {
    const decision = await onStart(event) ?? {};
    return changedStart(start, decision, core.limits);
  });
}

/** A session that has just been started. */
export interface StartedSession {
  /** Stands for the session from now on. */
  readonly token: string;
  readonly session: OpenSession;
}

/** Starts a session as the operator's code has decided, which may have changed the start. */
export async function startSession(
  core: Core,
  requested: RequestedUpload,
  trace: Trace,
): Promise<{ readonly start: Start; readonly opened: StartedSession | Refused }> {
  const start = await decide(core, "resumable", requested);
  return { start, opened: await openSession(core, { ...requested, start }, trace) };
}

async function openSession(
  core: Core,
  { start, grant, uploadMetadata, isResumableHttp }: RequestedUpload,
  trace: Trace,
): Promise<StartedSession | Refused> {
  const { backend, size } = start;
  const opened = await backend.start(newObject(start, size), trace);
  if ("kind" in opened) return opened;
  const { granularity = backend.granularity } = opened;
  // Nothing but the last bytes could ever pass.
  if (!Number.isSafeInteger(granularity) || granularity < 1 || granularity > core.maxChunkBytes) {
    throw badGateway("The API opened a session for other multiples than can be sent", false);
  }
  const sealed: SealedSession = {
    target: opened.target,
    backend: backend.name,
    ...(granularity !== backend.granularity && { granularity }),
    bucket: start.bucket,
    maxBytes: start.maxBytes,
    size,
    expires: sessionEnd(core, grant),
    minBytes: grant.minBytes,
    needsHash: grant.requireChecksum === true && !hasHash(start),
    subject: grant.subject,
    payload: grant.payload,
    view: start.view,
    uploadMetadata,
    isResumableHttp,
  };
  const token = await core.sealer.seal(sealed);
  const name = sessionName(token);
  trace.session = name;
  core.progress.begin(name);
  return { token, session: { ...sealed, name, backend, granularity } };
}

/** Makes an object in one request. */
export async function insertObject(
  core: Core,
  { start, grant }: Pick<RequestedUpload, "start" | "grant">,
  media: PassedBody,
  trace: Trace,
): Promise<Outcome> {
  const outcome = await counting(inOneRequest(start, media, trace), media, trace);
  if (outcome.kind === "finished") {
    note(core, outcome.object, trace);
    const { subject, payload } = grant;
    const backend = namedBackend(start.backend);
    const event = await finishEvent(outcome.object, backend, { subject, payload }, undefined);
    await runFinish(core.hooks, event, true);
    trace.completes = true;
  }
  return outcome;
}

/** A backend without such requests gets a session with one. */
async function inOneRequest(start: Start, media: PassedBody, trace: Trace): Promise<Outcome> {
  const { backend } = start;
  const object = newObject(start, media.length);
  if (backend.insert) return await backend.insert(object, media, trace);
  const opened = await backend.start(object, trace);
  if ("kind" in opened) return opened;
  const chunk: Chunk = { range: undefined, hash: undefined, no308: false };
  const outcome = await backend.append(opened.target, chunk, media, trace);
  if (outcome.kind === "stored") throw badGateway("The file is not finished; send it again");
  return outcome;
}

/** What the bytes of an object that comes in one request must keep to. */
export function boundsInOne(
  core: Core,
  start: Start,
  { minBytes, requireChecksum }: UploadGrant,
): BodyBounds {
  if (requireChecksum) expectHash(start);
  const { maxBytes, size } = start;
  return {
    max: Math.min(maxBytes, core.maxChunkBytes, size ?? Infinity),
    min: size ?? minBytes, // which a declared size is not below
  };
}

/** Refuses a start without a checksum, where it cannot come later. */
export function expectHash(start: Start): void {
  if (!hasHash(start)) throw noHash("with the metadata");
}

function hasHash({ metadata: { crc32c, md5Hash } }: Start): boolean {
  return (crc32c ?? md5Hash) !== undefined;
}

function newObject(
  { bucket, name, query, metadata, contentType }: Start,
  size: number | undefined,
): NewObject {
  return { bucket, name, query, metadata, contentType, size };
}

/** When a session ends, in seconds since 1970: it outlives its ticket by a day, unless the ticket says otherwise. */
function sessionEnd({ now, sessionTtl }: Core, grant: UploadGrant): number {
  const start = Math.floor(now() / 1000);
  const byTicket = grant.sessionTtl !== undefined
    ? start + grant.sessionTtl
    : grant.expires !== undefined
    ? grant.expires + DAY
    : Infinity;
  return Math.min(start + sessionTtl, byTicket);
}
