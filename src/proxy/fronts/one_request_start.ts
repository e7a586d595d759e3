/** Objects in one request, of which both of Google's protocols have two kinds. */

import { type BodyBounds, byteCount, checkLength, passBody } from "../request_body.ts";
import { letGo } from "../body_pieces.ts";
import type { Core } from "../core.ts";
import type { Trace } from "../log.ts";
import { readMultipart } from "../multipart_media.ts";
import type { Outcome } from "../outcome.ts";
import { boundsInOne, decide, insertObject } from "../start_session.ts";
import { checkStart, type Start } from "../start_request.ts";
import { MAX_METADATA, refuseEncoding, refuseKeys, type StartRequest } from "./front.ts";

/** What became of an object in one request. */
export interface Inserted {
  readonly outcome: Outcome;
  readonly start: Start;
}

/** A way to make an object in one request. */
export type OneRequest = (core: Core, asked: StartRequest, trace: Trace) => Promise<Inserted>;

/** `uploadType=media`, and `raw`: an object in one request, without metadata. */
export async function media(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
  said?: string,
): Promise<Inserted> {
  refuseKeys(request.headers);
  refuseEncoding(request.headers);
  const contentType = said ?? request.headers.get("content-type") ?? undefined;
  checkLength(request, core.requireLength);
  const size = byteCount(request.headers, "Content-Length");
  const { backend, bucket, query } = place;
  const input = { backend, bucket, query, metadata: "", contentType, size };
  const requested = { start: checkStart(input, grant, core.limits), grant, request };
  const body = passBody(request, boundsInOne(core, requested.start, grant));
  const start = await decide(core, "media", requested);
  return { outcome: await insertObject(core, { start, grant }, body, trace), start };
}

/** `uploadType=multipart`: an object and its metadata in one request. */
export async function multipart(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Inserted> {
  refuseKeys(request.headers);
  refuseEncoding(request.headers);
  checkLength(request, core.requireLength);
  const { metadata, contentType, media, problem } = await readMultipart(
    request,
    MAX_METADATA,
    core.startTimeout,
  );
  const { backend, bucket, query } = place;
  let start: Start, bounds: BodyBounds;
  try {
    const input = { backend, bucket, query, metadata, contentType, size: undefined };
    const requested = { start: checkStart(input, grant, core.limits), grant, request };
    bounds = boundsInOne(core, requested.start, grant);
    start = await decide(core, "multipart", requested);
  } catch (error) {
    letGo(media, error);
    throw error;
  }
  const body = passBody({ headers: new Headers(), body: media }, bounds);
  const passed = { ...body, problem: () => problem() ?? body.problem() };
  return { outcome: await insertObject(core, { start, grant }, passed, trace), start };
}
