/** What clients of `X-Goog-Upload` are told: the status header decides before the status code does. */

import { badGateway, HttpError } from "../http_error.ts";
import type { FinishedObject, Outcome } from "../outcome.ts";
import { objectResponse, type ShownTo } from "./front.ts";
import { refusalOf } from "./front_refusal.ts";

/** The header that says how an upload stands: `active`, `final` or `cancelled`. */
export const STATUS = "x-goog-upload-status";

/** Statuses below 500 after which clients ask where a session stands, or send a start again. */
const PASSING = [408, 409, 416, 429];

/** Whether a refusal may pass: of a session also what is wrong with one request, and not with the upload. */
export function isPassing(status: number, hasSession: boolean): boolean {
  return status >= 500 || PASSING.includes(status) || (hasSession && status === 400);
}

/** So many bytes are stored, and more may come. */
export function activeResponse(persisted: number, granularity: number): Response {
  return new Response(null, {
    status: 200,
    headers: {
      "cache-control": "no-store",
      "content-length": "0",
      [STATUS]: "active",
      "x-goog-upload-chunk-granularity": String(granularity),
      "x-goog-upload-size-received": String(persisted),
    },
  });
}

/** The upload is finished: the result. */
export function objectFinal(object: FinishedObject, upload: ShownTo): Response {
  const response = objectResponse(object, upload);
  response.headers.set(STATUS, "final");
  response.headers.set("x-goog-upload-size-received", String(object.size));
  return response;
}

/** What became of an object in one request. */
export function finalResponse(outcome: Outcome, upload: ShownTo): Response {
  if (outcome.kind === "finished") return objectFinal(outcome.object, upload);
  throw outcome.kind === "stored"
    ? badGateway("The upload is not finished; send it again")
    : refusalOf(outcome);
}

/** The upload was cancelled. A query hears it as an error. */
export function cancelledResponse(status: 200 | 410): Response {
  return new Response(null, {
    status,
    headers: { "cache-control": "no-store", "content-length": "0", [STATUS]: "cancelled" },
  });
}

/** The request did not do what its client would take from a success: so many bytes are stored. */
export function notWhole(status: 400 | 503, persisted: number, message: string): HttpError {
  return new HttpError(status, status === 400 ? "invalid" : "backendError", message, {
    [STATUS]: "active",
    "x-goog-upload-size-received": String(persisted),
  });
}
