/** Requests of a sealed session, within its bounds. Fronts call it, backends are called by it. */

import { type Chunk, CLOUD_STORAGE, hasObjects, namedBackend } from "./backend.ts";
import { type BodyBounds, emptied, passBody, type PassedBody } from "./request_body.ts";
import { type Core, counting, note, type OpenSession, permit } from "./core.ts";
import { isAllowedBucket } from "./grant.ts";
import { forbidden, HttpError } from "./http_error.ts";
import { finishEvent, runFinish } from "./hooks.ts";
import { noteBackend, type Trace } from "./log.ts";
import { gap, type Outcome } from "./outcome.ts";
import { boundsOf } from "./session_bounds.ts";
import type { Progress } from "./session_progress.ts";
import { sessionName } from "./session_token.ts";
import type { Turn } from "./session_turn.ts";

/** Opens the session of a token. */
export async function openSession(core: Core, token: string, trace: Trace): Promise<OpenSession> {
  const session = await core.sealer.open(token);
  if (session === "unknown") {
    throw new HttpError(404, "notFound", "There is no such upload session; start a new upload");
  }
  const name = sessionName(token);
  trace.session = name;
  if (session === "expired") {
    throw new HttpError(410, "gone", "The upload session has expired; start a new upload");
  }
  trace.subject = session.subject;
  const backend = core.backends.get(session.backend ?? CLOUD_STORAGE);
  if (!backend) {
    throw new HttpError(404, "notFound", "This upload can go on nowhere; start a new one");
  }
  noteBackend(trace, backend, session.bucket);
  if (hasObjects(backend) && !isAllowedBucket(core.limits, session.bucket)) {
    throw forbidden("Uploads to this bucket are not allowed any more");
  }
  const { granularity = backend.granularity } = session;
  return { ...session, name, backend, granularity };
}

/** How bytes are taken. */
export interface AppendOptions {
  /** Where they come from. The default is the request's body. */
  readonly take?: (bounds: BodyBounds) => PassedBody;
  /** Whether they must begin where the stored ones end; any other place is a 409, before a byte of them is passed on. */
  readonly isStrict?: boolean;
  /** Whether the operator's code has allowed this request already. */
  readonly isPermitted?: boolean;
  /** The request's turn, where it has one already: these bytes are some of its own. */
  readonly turn?: Turn | undefined;
}

/** Passes bytes on, or the finish without any, if they keep to the limits and are of any use. */
export async function append(
  core: Core,
  session: OpenSession,
  chunk: Chunk,
  request: Request,
  trace: Trace,
  options: AppendOptions = {},
): Promise<Outcome> {
  const { take = (bounds) => passBody(request, bounds), isStrict = false, isPermitted } = options;
  const bounds = boundsOf(core, session, chunk);
  const body = take(bounds);
  const { range } = chunk;
  trace.bytes = body.length ?? bounds.exact;
  if (!isPermitted) await permit(core, session, trace, request);
  const isEmpty = range !== undefined && range.first === undefined;
  if (isEmpty) {
    const nothing = await emptied(body, core.startTimeout);
    const outcome = await session.backend.append(session.target, chunk, nothing, trace);
    return await settled(core, session, outcome, trace, {
      assumed: 0,
      isQuestion: range.total === undefined,
    });
  }
  const turn = options.turn ?? beginTurn(core, session);
  try {
    const outcome = await appendBytes(core, session, { chunk, body, isStrict, turn }, trace);
    if (outcome.kind === "stored" || outcome.kind === "finished") turn.endEarlier();
    return outcome;
  } finally {
    if (turn !== options.turn) turn.leave();
  }
}

/** Begins the turn of a request with bytes, which ends those of the same upload that came before. To be left in any case. */
export function beginTurn({ turns, now }: Core, { name }: OpenSession): Turn {
  return turns.begin(name, now);
}

/** What is known of the bytes that are stored. */
type StoredBytes = Pick<Progress, "persisted" | "crc32c" | "md5">;

/** Bytes that are about to be passed on. */
interface Appended {
  readonly chunk: Chunk;
  readonly body: PassedBody;
  readonly isStrict: boolean;
  readonly turn: Turn;
}

async function appendBytes(
  core: Core,
  session: OpenSession,
  { chunk, body, isStrict, turn }: Appended,
  trace: Trace,
): Promise<Outcome> {
  const first = chunk.range?.first ?? 0;
  const progress = core.progress.of(session.name);
  let known: StoredBytes = progress;
  const isKnown = progress.persisted !== undefined && !progress.finished;
  // Of what is not known here, the backend is asked before a byte goes on. Another instance may have got on with it.
  const isAhead = first > (progress.persisted ?? 0);
  if (!isKnown || isAhead || (isStrict && progress.persisted !== first)) {
    const outcome = await ask(core, session, trace);
    if (outcome.kind !== "stored") {
      trace.bytes = 0;
      if (isStrict && outcome.kind === "finished") {
        throw new WrongOffset(first, outcome.object.size, true);
      }
      return outcome;
    }
    known = outcome; // by now this instance may have forgotten the session
  }
  const { persisted = 0 } = known;
  if (first !== persisted) {
    trace.bytes = 0;
    if (isStrict) throw new WrongOffset(first, persisted);
    return first < persisted ? again(known, persisted, chunk) : gap(first, persisted);
  }
  turn.check();
  const moving = core.progress.of(session.name);
  moving.persisted = undefined; // until they have arrived nobody knows
  moving.sending++;
  const outcome = await turn.during((ended) => {
    const passed: PassedBody = { ...body, ended };
    const sending = session.backend.append(session.target, chunk, passed, trace);
    return counting(sending, passed, trace);
  }).catch((error) => {
    turn.check(); // the better reason
    throw error;
  }).finally(() => moving.sending--);
  return await settled(core, session, outcome, trace);
}

/** Bytes for another place than where the stored ones end. */
export class WrongOffset extends HttpError {
  /** Where the client's bytes begin. */
  readonly provided: number;
  /** Where the stored bytes end. */
  readonly persisted: number;
  /** Whether the upload is finished there. */
  readonly isFinished: boolean;

  /** An error that names both places. */
  constructor(provided: number, persisted: number, isFinished = false) {
    const message =
      `Expected bytes from offset ${persisted}, where the stored ones end, got ${provided}`;
    super(409, "conflict", message);
    this.provided = provided;
    this.persisted = persisted;
    this.isFinished = isFinished;
  }
}

/** Asks how much is stored, for a client that has lost its requests with bytes, or it would not ask: they are ended. */
export async function askAfterLoss(
  core: Core,
  session: OpenSession,
  trace: Trace,
): Promise<Outcome> {
  const stop = core.turns.endOthers(session.name, core.now);
  try {
    return await ask(core, session, trace);
  } finally {
    stop();
  }
}

/** Asks how much is stored. */
export async function ask(core: Core, session: OpenSession, trace: Trace): Promise<Outcome> {
  const outcome = await session.backend.ask(session.target, trace);
  return await settled(core, session, outcome, trace, { assumed: 0, isQuestion: true });
}

/** Ends the session without an object. With `unlessFinished` it is asked first whether there is one, which is the outcome then. */
export async function cancel(
  core: Core,
  session: OpenSession,
  request: Request,
  trace: Trace,
  { unlessFinished = false }: { unlessFinished?: boolean } = {},
): Promise<Outcome> {
  await permit(core, session, trace, request);
  core.turns.end(session.name);
  if (unlessFinished) return await cancelUnfinished(core, session, trace);
  const outcome = await session.backend.cancel(session.target, trace);
  return await settled(core, session, outcome, trace);
}

/** Ends the session without an object; one that is finished is the outcome instead. */
export async function cancelUnfinished(
  core: Core,
  session: OpenSession,
  trace: Trace,
): Promise<Outcome> {
  const known = await ask(core, session, trace);
  if (known.kind !== "stored") return known;
  const outcome = await session.backend.cancel(session.target, trace);
  return await settled(core, session, outcome, trace);
}

/** The answer to bytes that are stored already, without passing them on once more. */
function again({ crc32c, md5 }: StoredBytes, persisted: number, { range }: Chunk): Outcome {
  // A client that sends the whole without a range would take "so much is stored" for the end.
  if (!range) {
    throw new HttpError(
      409,
      "conflict",
      `${persisted} bytes are stored already: send the rest with a Content-Range`,
    );
  }
  return { kind: "stored", persisted, crc32c, md5 };
}

/**
 * Remembers, and notes, what an outcome says of a session.
 *
 * @param options `assumed`: how many bytes are stored where the reply does not say it. Where none were sent, that means none.
 */
async function settled(
  core: Core,
  session: OpenSession,
  outcome: Outcome,
  trace: Trace,
  { assumed, isQuestion = false }: { assumed?: number; isQuestion?: boolean } = {},
): Promise<Outcome> {
  const progress = core.progress.of(session.name);
  // An object that a question finds, of a session that was never open here, was counted by the instance that finished it.
  const isUncounted = !progress.told && (!isQuestion || progress.isOpen);
  progress.isOpen ||= outcome.kind === "stored" || isUncounted;
  progress.finished = outcome.kind === "finished";
  // While bytes are under way, what is stored is so for the moment only.
  const isStill = outcome.kind === "stored" && progress.sending === 0;
  progress.persisted = isStill ? outcome.persisted ?? assumed : undefined;
  if (outcome.kind === "stored") {
    progress.crc32c = outcome.crc32c;
    progress.md5 = outcome.md5;
  } else if (outcome.kind === "finished") {
    if (trace.event === "chunk" || trace.event === "status") trace.event = "finish";
    note(core, outcome.object, trace);
    if (!progress.told) {
      const { subject, payload } = session;
      const backend = namedBackend(session.backend);
      const event = await finishEvent(outcome.object, backend, { subject, payload }, session.name);
      await runFinish(core.hooks, event, false);
      trace.completes = isUncounted && !progress.told; // another request may have found it meanwhile
      progress.told = true;
    }
  }
  return outcome;
}
