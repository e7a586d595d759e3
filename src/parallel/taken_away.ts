/** The error of temporary objects that somebody else has touched. */

import { UploadError } from "../errors.ts";

/**
 * The error of a temporary object that somebody else has made or removed. It is no failed precondition: that would say something of
 * the object which the caller wants to make.
 */
export function takenAway(action: string, cause: UploadError): UploadError {
  return new UploadError(
    "session_gone",
    `Cannot ${action}: expected the temporary objects to be those of this upload, somebody else has changed them`,
    { cause },
  );
}
