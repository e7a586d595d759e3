/** Why there is neither progress nor an object, for the clients of protocols that go on by themselves. */

import { HttpError } from "../http_error.ts";
import type { Outcome } from "../outcome.ts";

/** The backend has refused it. */
export class RefusedError extends HttpError {}

/** The backend says that bytes are missing before these. */
export class GapError extends HttpError {}

/** What the client hears of an outcome that is neither progress nor an object. */
export function refusalOf(outcome: Exclude<Outcome, { kind: "stored" | "finished" }>): HttpError {
  if (outcome.kind === "cancelled") {
    return new HttpError(410, "gone", "The upload was terminated; start a new one");
  }
  if (outcome.kind === "unmodified" || outcome.status === 412) {
    const message = "A precondition is not met: there is an object of this name already";
    return new RefusedError(412, "conditionNotMet", message);
  }
  const { status, reason, message, retryAfter, isGap } = outcome;
  if (isGap) return new GapError(409, "conflict", message);
  const headers = retryAfter === undefined ? undefined : { "retry-after": String(retryAfter) };
  return new RefusedError(status, reason, message, headers);
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
