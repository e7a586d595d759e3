/** What the fronts have in common: where a request is about, and what none of them takes. */

import { type Backend, hasObjects } from "../backend.ts";
import type { UploadGrant } from "../grant.ts";
import { badRequest, HttpError, quote } from "../http_error.ts";
import type { FinishedObject } from "../outcome.ts";
import { type ObjectView, shown } from "../view.ts";

/** Where a request is about. */
export interface Place {
  /** What stands before the path of this request where clients reach the proxy. */
  readonly base: string;
  readonly path: string;
  readonly backend: Backend;
  /** Empty where the backend has none. */
  readonly bucket: string;
  readonly query: URLSearchParams;
}

/** A request that starts an upload. */
export interface StartRequest {
  readonly request: Request;
  readonly place: Place;
  readonly grant: UploadGrant;
}

/** The URL of a sealed session: the same for all fronts, so that a client may change its protocol on the way. */
export function sessionUrl({ base, path }: Place, token: string): string {
  const url = new URL(base + path);
  url.search = new URLSearchParams({ uploadType: "resumable", upload_id: token }).toString();
  return url.href;
}

/** Whose upload it is that is shown. */
export interface ShownTo {
  readonly backend: Backend;
  readonly view?: ObjectView | undefined;
}

/** What a client is shown of its finished upload. */
export function shownResource(
  { resource }: FinishedObject,
  { backend, view = NO_VIEW }: ShownTo,
): Readonly<Record<string, unknown>> {
  return hasObjects(backend) ? shown(resource, view) : resource;
}

/** What somebody sees for whom nothing is open. */
const NO_VIEW: ObjectView = { fields: [], hidden: [], asked: undefined };

/** Refuses a body that was packed on its way: what would be stored is not what was meant. */
export function refuseEncoding(headers: Headers): void {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    const message = `The Content-Encoding ${quote(encoding)} is not taken here`;
    throw new HttpError(415, "unsupportedMediaType", message);
  }
}

/** Customer-supplied keys are refused: dropping them would store an object without them, silently. */
export function refuseKeys(headers: Headers): void {
  const key = [...headers.keys()].find((name) => name.startsWith("x-goog-encryption-"));
  if (key !== undefined) {
    throw badRequest(`The header ${key} is not allowed here`, "invalidParameter");
  }
}
