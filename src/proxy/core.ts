/** What the middle of the proxy works with, whatever a request is for. */

import type { Backend } from "./backend.ts";
import { byteCount, type PassedBody } from "./request_body.ts";
import type { UploadLimits } from "./grant.ts";
import { badRequest, type HttpError } from "./http_error.ts";
import { runHook, type UploadHooks } from "./hooks.ts";
import type { Trace } from "./log.ts";
import type { FinishedObject, Outcome } from "./outcome.ts";
import type { ProgressTable } from "./session_progress.ts";
import type { Room } from "./collecting_memory.ts";
import type { SealedSession, SessionSealer } from "./session_token.ts";
import type { TurnTable } from "./session_turn.ts";

/** What the middle works with. */
export interface Core {
  /** By their names. */
  readonly backends: ReadonlyMap<string, Backend>;
  readonly sealer: SessionSealer;
  readonly limits: UploadLimits;
  /** The most bytes of a request. */
  readonly maxChunkBytes: number;
  /** Whether bodies must say their length. */
  readonly requireLength: boolean;
  /** How long clients may take for what an upload begins with, in milliseconds. */
  readonly startTimeout: number;
  /** How long a session can be used, in seconds. */
  readonly sessionTtl: number;
  readonly progress: ProgressTable;
  readonly turns: TurnTable;
  /** Memory for what has to be collected of bodies. */
  readonly room: Room;
  readonly hooks: UploadHooks;
  /** Whether the names of finished objects are in the log. */
  readonly logNames: boolean;
  readonly now: () => number;
}

/** A session that is open, and the name that it has here. */
export interface OpenSession extends Omit<SealedSession, "backend" | "granularity"> {
  readonly name: string;
  /** Where its bytes go. */
  readonly backend: Backend;
  /** Requests that do not finish it carry a multiple of so many bytes. */
  readonly granularity: number;
}

/** Asks the operator's code whether a request may be done. */
export async function permit(
  { hooks: { onRequest } }: Core,
  party: { subject?: string | undefined; payload?: unknown },
  trace: Trace,
  request: Request,
): Promise<void> {
  if (!onRequest) return;
  const { event, backend, bucket = "", session } = trace;
  const { bytes = byteCount(request.headers, "Content-Length") } = trace;
  const { subject } = party;
  const payload = structuredClone(party.payload); // what a hook does to it is not seen by the next one
  await runHook("onRequest", async () => {
    const said: unknown = await onRequest({
      event,
      subject,
      payload,
      ...(backend !== undefined && { backend }),
      bucket,
      session,
      bytes,
      request,
    });
    if (said === false) throw new TypeError("expected an HttpError to refuse, got false");
  });
}

/** Notes how many bytes have passed; of a body that broke off, where nobody has counted them, that is not known. */
export async function counting(
  sending: Promise<Outcome>,
  body: PassedBody,
  trace: Trace,
): Promise<Outcome> {
  trace.bytes = undefined;
  try {
    const outcome = await sending;
    trace.bytes = body.length;
    return outcome;
  } finally {
    trace.bytes = body.passed?.() ?? trace.bytes;
  }
}

/** The line of the request that makes the object says what it is. */
export function note(core: Core, object: FinishedObject, trace: Trace): void {
  const { name, generation, size, crc32c } = object;
  Object.assign(trace, { generation, size, crc32c, ...(core.logNames && { name }) });
}

/** A checksum is missing. */
export function noHash(where: string): HttpError {
  return badRequest(`Expected a CRC32C or an MD5 of the object ${where}`, "required");
}
