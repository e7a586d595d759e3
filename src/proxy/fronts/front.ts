/** What the fronts have in common: what they are asked, where a request is about, and what none of them takes. */

import { type Backend, hasObjects } from "../backend.ts";
import type { Core, OpenSession } from "../core.ts";
import type { UploadGrant } from "../grant.ts";
import { badRequest, forbidden, HttpError, quote } from "../http_error.ts";
import type { Trace } from "../log.ts";
import type { FinishedObject } from "../outcome.ts";
import { type ObjectView, shown } from "../object_view.ts";
import { cancel } from "../sealed_session.ts";
import { refusalOf } from "./front_refusal.ts";

/** How clients of one protocol speak. */
export interface Front {
  /** Whether a request has headers or parameters that only this protocol has. */
  speaks?(request: Request): boolean;
  /** Whether one without them is of its clients all the same. */
  isFor?(core: Core, asked: Asked): boolean | Promise<boolean>;
  /** Answers it. */
  answer(core: Core, asked: Asked, trace: Trace): Promise<Response>;
  /** Sets what every reply to a request in its words says, also one that another part of the proxy gives. */
  mark?(response: Response, request: Request): void;
  /** What the answer to `OPTIONS` says of the protocol, for uploads to a backend. */
  discovery?(core: Core, backend: Backend): Record<string, string>;
}

/** A request below the path of uploads. */
export interface Asked {
  readonly request: Request;
  /** The request's, parsed. */
  readonly url: URL;
  /** The sealed session of its URL, if there is one. */
  readonly token: string | undefined;
  /** Asks whether an upload may be started, and says where. */
  readonly admit: () => Promise<StartRequest>;
  /** Sends an interim response, where the server can. */
  readonly inform?: ((status: number, headers: Headers) => void) | undefined;
}

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
  return `${base}${path}?uploadType=resumable&upload_id=${token}`; // nothing of a token needs to be encoded
}

/** Whose upload it is that is shown. */
export interface ShownTo {
  readonly backend: Backend;
  readonly view?: ObjectView | undefined;
}

/** What somebody sees for whom nothing is open. */
const NO_VIEW: ObjectView = { fields: [], hidden: [], asked: undefined };

/** A finished upload as its client may see it. */
export function objectResponse(
  { resource }: FinishedObject,
  { backend, view = NO_VIEW }: ShownTo,
  status = 200,
): Response {
  const object = hasObjects(backend) ? shown(resource, view) : resource;
  return Response.json(object, {
    status,
    headers: {
      "cache-control": "no-store",
      "content-type": "application/json; charset=UTF-8",
      ...(typeof object.etag === "string" && { etag: object.etag }),
    },
  });
}

/** The most bytes of metadata, as JSON. */
export const MAX_METADATA = 65_536;

/** The `X-Goog-Hash` of the whole upload. */
export function readHash(headers: Headers): string | undefined {
  const hash = headers.get("x-goog-hash") ?? undefined;
  if (hash !== undefined && !HASHES.test(hash)) {
    throw badRequest("X-Goog-Hash: expected crc32c=… or md5=… in base64");
  }
  return hash;
}

const HASHES =
  /^(?:crc32c=[A-Za-z0-9+/]{6}==|md5=[A-Za-z0-9+/]{22}==)(?:, ?(?:crc32c=[A-Za-z0-9+/]{6}==|md5=[A-Za-z0-9+/]{22}==))*$/;

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
  headers.forEach((_, name) => { // Deno 2.9 takes six times as long to iterate over their names
    if (!name.startsWith("x-goog-encryption-")) return;
    throw badRequest(`The header ${name} is not allowed here`, "invalidParameter");
  });
}

/** Ends an upload, for clients whose `DELETE` says no more. One that is finished is an object, which no ticket allows to delete. */
export async function endUnfinished(
  core: Core,
  session: OpenSession,
  request: Request,
  trace: Trace,
): Promise<Response> {
  const outcome = await cancel(core, session, request, trace, { unlessFinished: true });
  if (outcome.kind === "finished") {
    throw forbidden("The upload is finished; the proxy does not delete objects");
  }
  if (outcome.kind === "stored") throw new HttpError(503, "backendError", "Google goes on with it");
  if (outcome.kind !== "cancelled") throw refusalOf(outcome);
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}
