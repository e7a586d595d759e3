/** What tus clients are told. */

import type { OpenSession } from "../core.ts";
import { HttpError } from "../http_error.ts";
import { retriable } from "./front_refusal.ts";

/** The one version of the protocol. */
export const TUS_VERSION = "1.0.0";

/** What is said with each reply about a session. */
export function sessionHeaders(session: OpenSession): Record<string, string> {
  return {
    "cache-control": "no-store",
    "upload-expires": new Date(session.expires * 1000).toUTCString(),
  };
}

/** The same error with the status by which a tus client does what helps. */
export function tusError(error: HttpError): HttpError {
  const { status, reason, message, headers } = error;
  // A 412 would mean the version of the protocol.
  if (status === 412 && reason === "conditionNotMet") {
    return new HttpError(403, reason, message, headers);
  }
  return retriable(error);
}
