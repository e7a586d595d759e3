/** The error that a refused request ends in. */

import { DataCorruption, InvalidResponse, type UploadError } from "../errors.ts";
import type { Reply } from "../net/send.ts";
import { describeReply, type Refusal, serverError } from "../protocol/refusal.ts";

/** The error for a refused request. `session` says whether it was about an open session. */
export function refusalError(
  action: string,
  reply: Reply,
  refusal: Refusal,
  session: boolean,
): UploadError {
  const said = describeReply(reply);
  const reason = serverError(reply.text)?.reason;
  const fail = (code: UploadError["code"], message: string) =>
    new InvalidResponse(reply.response, `Cannot ${action}: ${message}`, code, { reason });
  switch (refusal.kind) {
    case "corrupt":
      return new DataCorruption(
        reply.response,
        `Cannot ${action}: the server computed another checksum: ${said}`,
        { reason },
      );
    case "gone":
      if (!session) return fail("rejected", `expected 200, got ${said}`);
      return fail(
        "session_gone",
        `expected an open session, but it has expired or never existed: ${said}`,
      );
    case "cancelled":
      return fail("session_cancelled", `expected an open session, but it was cancelled: ${said}`);
    case "precondition":
      return fail(
        "precondition_failed",
        `the object is not in the state that was asked for: ${said}`,
      );
    case "unavailable":
      return fail("unavailable", `expected success, but the server could not serve: ${said}`);
    case "gap":
      return fail(
        "invalid_response",
        `expected the bytes to fit behind those stored, but they did not: ${said}`,
      );
    case "too_large":
      return fail(
        "rejected",
        `expected the server to take the request, got ${said}; it takes at most ${refusal.maxBytes} bytes in one`,
      );
    case "rejected":
      return fail("rejected", `expected success, got ${said}`);
    case "refused":
      return fail("rejected", `expected success, but the server has ended the upload: ${said}`);
    case "no_result":
    case "malformed":
      return fail("invalid_response", `${refusal.problem} (status ${said})`);
  }
}
