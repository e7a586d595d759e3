/** What tus clients are told. */

import type { OpenSession } from "../core.ts";
import { HttpError } from "../http_error.ts";
import type { Outcome } from "../outcome.ts";

/** The one version of the protocol. */
export const TUS_VERSION = "1.0.0";

/** What is said with each reply about a session. */
export function sessionHeaders(session: OpenSession): Record<string, string> {
  return {
    "cache-control": "no-store",
    "upload-expires": new Date(session.expires * 1000).toUTCString(),
  };
}

/** Why there is neither progress nor an object, so that clients do what helps. */
export function refusalOf(outcome: Exclude<Outcome, { kind: "stored" | "finished" }>): HttpError {
  if (outcome.kind === "cancelled") {
    return new HttpError(410, "gone", "The upload was terminated; start a new one");
  }
  // A 412 would mean the version of the protocol.
  if (outcome.kind === "unmodified" || outcome.status === 412) {
    const message = "A precondition is not met: there is an object of this name already";
    return new HttpError(403, "conditionNotMet", message);
  }
  const { status, reason, message, retryAfter, isGap } = outcome;
  if (isGap) return new HttpError(409, "conflict", message);
  const headers = retryAfter === undefined ? undefined : { "retry-after": String(retryAfter) };
  return retriable(new HttpError(status, reason, message, headers));
}

/**
 * The same error with a status that makes clients try again, where that helps: of those below 500 they take but 409 and 423
 * for passing ones.
 */
export function retriable(error: HttpError): HttpError {
  const { status, reason, message, headers } = error;
  return status === 408 || status === 429
    ? new HttpError(503, reason, message, { "retry-after": "5", ...headers })
    : error;
}

/** Too few bytes: Google would end the session. */
export class BelowQuantum extends HttpError {
  /** An error that names the client's option. */
  constructor(quantum: number, length: number) {
    super(
      400,
      "invalid",
      `Expected at least ${quantum} bytes in a request that does not finish the upload, got ${length}: ` +
        `set the client's chunkSize to a multiple of ${quantum}`,
    );
  }
}
