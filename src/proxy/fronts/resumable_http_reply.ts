/** What clients of the IETF's resumable uploads are told. */

import type { Backend } from "../backend.ts";
import { HttpError, ProblemError, withHeaders } from "../http_error.ts";
import type { Trace } from "../log.ts";
import type { Core, OpenSession } from "../core.ts";
import { WrongOffset } from "../sealed_session.ts";
import type { Asked } from "./front.ts";
import { GapError, RefusedError, retriable } from "./front_refusal.ts";
import { completeOf, type Dialect } from "./resumable_http_dialect.ts";
import { BelowQuantum, WrongLength } from "./part.ts";
import { writeIntegers } from "./structured_fields.ts";

/** Uploads that have limits: all to a backend, or one of them. */
type Limited = { readonly backend: Backend } & Partial<OpenSession>;

/** `Upload-Limit`: of an upload, or of all to its backend where there is none yet. */
export function uploadLimit(core: Core, limited: Limited): string {
  const { limits, maxChunkBytes, sessionTtl, now } = core;
  const { backend, granularity = backend.granularity, expires } = limited;
  const left = expires === undefined ? undefined : expires - Math.floor(now() / 1000);
  return writeIntegers({
    "max-size": Math.min(limits.maxBytes, limited.maxBytes ?? backend.maxBytes),
    "min-size": limited.minBytes || undefined,
    // Clients that take the most that they may, send what can be stored in full.
    "max-append-size": maxChunkBytes - maxChunkBytes % granularity,
    "min-append-size": granularity,
    "max-age": Math.max(0, left ?? sessionTtl),
  });
}

const TYPES = "https://iana.org/assignments/http-problem-types#";

/** Lengths that contradict each other. */
export function inconsistentLength(message: string): HttpError {
  const title = "The lengths of the upload are inconsistent";
  return new ProblemError(400, message, { type: `${TYPES}inconsistent-upload-length`, title });
}

/** A request, and what is known of it so far. */
export interface Exchange {
  readonly core: Core;
  readonly request: Request;
  readonly dialect: Dialect;
  readonly trace: Trace;
  readonly inform: Asked["inform"];
  /** Where the bytes go, once that is known. */
  backend?: Backend;
  /** The upload, once it has been opened or created. */
  session?: OpenSession;
}

/** Sends an interim 104, where the server can and the client takes it. */
export function inform(
  { dialect, inform }: Exchange,
  headers: Readonly<Record<string, string>>,
): void {
  if (!dialect.takesInterim) return;
  inform?.(
    104,
    new Headers({ "upload-draft-interop-version": String(dialect.version), ...headers }),
  );
}

/** How much is stored is told while bytes go on, where clients expect it. */
export function progressOf(exchange: Exchange): ((persisted: number) => void) | undefined {
  if (exchange.dialect.isEarly) return undefined;
  return (persisted) => inform(exchange, { "upload-offset": String(persisted) });
}

/** The same error as the protocol says it. */
export function explained(
  error: HttpError,
  { core, backend, session, dialect, request }: Exchange,
): HttpError {
  if (error instanceof WrongOffset) return wrongOffset(error, dialect);
  if (error instanceof WrongLength) return inconsistentLength(error.message);
  if (error instanceof BelowQuantum || error.status === 413) {
    const limited = session ?? (backend && { backend });
    return limited ? withHeaders(error, { "upload-limit": uploadLimit(core, limited) }) : error;
  }
  // How many bytes are there the client has to ask.
  if (error instanceof GapError) {
    return new HttpError(503, "backendError", error.message, { "retry-after": "1" });
  }
  // All bytes are there, and what was to be made of them cannot be: to go on is of no use.
  const isLast = completeOf(request.headers, dialect) === true;
  if (isLast && error instanceof RefusedError && FINAL.includes(error.status)) {
    return withHeaders(error, { "upload-complete": "?1" });
  }
  return retriable(error);
}

/** Statuses with which Google refuses to make an object of the bytes. */
const FINAL: readonly number[] = [400, 412];

function wrongOffset(
  { provided, persisted, isFinished, message }: WrongOffset,
  { isEarly }: Dialect,
): HttpError {
  if (isFinished && isEarly) {
    const title = "The upload is completed";
    return new ProblemError(400, message, { type: `${TYPES}completed-upload`, title });
  }
  if (provided === persisted) {
    return inconsistentLength("The upload is finished, and takes no more");
  }
  const problem = {
    type: `${TYPES}mismatching-upload-offset`,
    title: "The offset of the request is not that of the upload",
    members: { "expected-offset": persisted, "provided-offset": provided },
  };
  return new ProblemError(409, message, problem, { "upload-offset": String(persisted) });
}
