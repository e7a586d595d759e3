/** The edge proxy as one function of a request: which request is for whom. */

import { authorizer } from "./authorize.ts";
import { letGo } from "./body_pieces.ts";
import { checkFraming } from "./request_body.ts";
import { checkCompatibilityDate } from "./compatibility_date.ts";
import { type Core, permit } from "./core.ts";
import { coreOf } from "./core_setup.ts";
import { preflight, refusedOrigin, withCors } from "./proxy_cors.ts";
import { contentRange } from "./fronts/content_range_front.ts";
import type { Asked, Front, Place, StartRequest } from "./fronts/front.ts";
import { resumableHttp } from "./fronts/resumable_http_front.ts";
import { tus, tusMethod } from "./fronts/tus_front.ts";
import { xGoogUpload } from "./fronts/x_goog_upload_front.ts";
import { GrantError, type UploadGrant } from "./grant.ts";
import { HookError } from "./hooks.ts";
import { badRequest, errorResponse, HttpError } from "./http_error.ts";
import { noteBackend, type Trace, type UploadLogEntry } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Location, locationOf } from "./proxy_location.ts";
import { checkOptions, type UploadProxyOptions } from "./proxy_options.ts";
import { checkOrigins } from "./page_origins.ts";

export type { UploadProxyOptions } from "./proxy_options.ts";

/** An upload proxy: what Deno, Bun and Cloudflare call for each request. */
export interface UploadProxy {
  /**
   * Answers a request; never rejects.
   *
   * @param means what the server can do beside answering. Servers call `fetch` with arguments of their own there: whatever is
   * none of these means is passed over.
   */
  fetch(request: Request, means?: ServerMeans | object): Promise<Response>;
  /** The numbers of this instance, in the text format of Prometheus. */
  metrics(): string;
}

/** What a server can do beside answering. */
export interface ServerMeans {
  /**
   * Sends an interim response at once, before the answer: the `104 Upload Resumption Supported` of the IETF's resumable
   * uploads, from which clients know where to go on when the request breaks off. No server of the form of `fetch` can; one on
   * `node:http` can, see `examples/node/`.
   *
   * @param status 104
   * @default {undefined} none are sent
   */
  readonly informational?: ((status: number, headers: Headers) => void) | undefined;
}

/** How clients speak. The first front whose client a request is of answers it; the last one takes what is left. */
const FRONTS: readonly Front[] = [tus, xGoogUpload, resumableHttp, contentRange];

/**
 * Makes an upload proxy: an endpoint of both of Google's upload protocols, of tus 1.0 and of the IETF's resumable uploads, for
 * clients that have a ticket instead of Google's credentials.
 *
 * @throws {TypeError} an option is missing or malformed; the message names it, or, as a {@linkcode SettingError}, the setting
 * of the worker that it is: `MAX_CHUNK_BYTES` for `maxChunkBytes`
 *
 * @example
 * ```ts
 * import { createUploadProxy } from "@resumable-media/upload/worker";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator();
 * const proxy = createUploadProxy({
 *   transport: gcs.fetch,
 *   fetch: gcs.fetch,
 *   bucket: "my-bucket",
 *   sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"], // not this: 32 random bytes of your own
 *   authorize: () => ({ prefix: "public/" }), // everybody, below public/
 * });
 * const start = "https://proxy.example/upload/storage/v1/b/my-bucket/o?uploadType=resumable&name=public/a";
 * const response = await proxy.fetch(new Request(start, { method: "POST" }));
 * console.log(response.status, response.headers.get("location")?.startsWith("https://proxy.example/")); // 200 true
 * ```
 */
export function createUploadProxy(options: UploadProxyOptions): UploadProxy {
  checkCompatibilityDate();
  checkOptions(options);
  const allowedOrigins = checkOrigins(options.allowedOrigins ?? []);
  const core = coreOf(options);
  const authorize = authorizer(options);
  const { now } = core;
  const location = locationOf(options);
  const publicOrigin = location.base === undefined ? undefined : new URL(location.base).origin;
  const metrics = new Metrics();
  return {
    metrics: () => metrics.text(),
    async fetch(request, means) {
      const started = now();
      const spoken = FRONTS.filter((front) => front.speaks?.(request));
      const trace: Trace = { event: "refused" };
      let error: string | undefined;
      let response: Response;
      try {
        const url = checkHead(request);
        trace.refusedOrigin = refusedOrigin(request, allowedOrigins, publicOrigin ?? url.origin);
        const routing = { url, spoken, core, authorize, location, inform: informing(means) };
        response = isMetrics(request, routing)
          ? metricsResponse(metrics, trace)
          : await route(request, routing, trace);
      } catch (thrown) {
        const known = thrown instanceof HttpError
          ? thrown
          : new HttpError(500, "internalError", "The proxy has failed");
        error = thrown instanceof HookError
          ? thrown.detail
          : thrown instanceof HttpError
          ? known.message
          : `${known.message}: ${
            thrown instanceof GrantError ? thrown.message : (thrown as Error)?.name
          }`;
        response = errorResponse(known);
        letGo(request.body);
      }
      if (trace.upstreamMs !== undefined) {
        response.headers.set("server-timing", `upstream;dur=${trace.upstreamMs}`);
      }
      for (const front of spoken) front.mark?.(response, request);
      response.headers.set("x-max-chunk-bytes", String(core.maxChunkBytes));
      response.headers.set("x-content-type-options", "nosniff");
      response.headers.set("content-security-policy", "default-src 'none'; sandbox");
      const { completes = false, ...said } = trace;
      const entry: UploadLogEntry = {
        time: new Date(now()).toISOString(),
        method: request.method,
        status: response.status,
        ms: now() - started,
        ...said,
        ...(error && { error }),
      };
      metrics.count(entry, completes);
      write(options.log, entry);
      return withCors(response, request, allowedOrigins);
    },
  };
}

/** Writes a line of the log. One that fails, at once or later, is no reason to fail the upload. */
function write(log: UploadProxyOptions["log"], entry: UploadLogEntry): void {
  (async () => await log?.(entry))().catch(() => {});
}

/** The path below the prefix; one that is below no upload where the prefix is missing. */
function withoutPrefix(path: string, prefix: string): string {
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : "";
}

function isMetrics({ method }: Request, { url, location }: Routing): boolean {
  const { prefix, metricsPath } = location;
  return metricsPath !== undefined && method === "GET" &&
    withoutPrefix(url.pathname, prefix) === metricsPath;
}

function metricsResponse(metrics: Metrics, trace: Trace): Response {
  trace.event = "metrics";
  const headers = { "cache-control": "no-store", "content-type": "text/plain; version=0.0.4" };
  return new Response(metrics.text(), { headers });
}

/** How interim responses are sent, if they can be. One that fails is no reason to fail the upload. */
function informing(means: ServerMeans | undefined): Asked["inform"] {
  const { informational } = means ?? {};
  if (typeof informational !== "function") return undefined;
  return (status, headers) => {
    try {
      informational(status, headers);
    } catch { /* the client has gone, or hears of it by the answer */ }
  };
}

/** What routing works with. */
interface Routing {
  /** The URL of the request. */
  readonly url: URL;
  /** The protocols of which it has words. */
  readonly spoken: readonly Front[];
  readonly core: Core;
  readonly authorize: (request: Request) => Promise<UploadGrant>;
  readonly location: Location;
  readonly inform: Asked["inform"];
}

async function route(
  request: Request,
  { url, spoken, core, authorize, location: { prefix, base }, inform }: Routing,
  trace: Trace,
): Promise<Response> {
  const path = withoutPrefix(url.pathname, prefix);
  if (path === "/healthz" && (request.method === "GET" || request.method === "HEAD")) {
    trace.event = "health";
    return Response.json({ status: "ok" });
  }
  const found = locate(core, path);
  if (!found) {
    throw new HttpError(404, "notFound", "Expected a path such as /upload/storage/v1/b/BUCKET/o");
  }
  if (tusMethod(request) === "OPTIONS") { // in no other protocol here another method can stand for it
    trace.event = "preflight";
    const said = FRONTS.map((front) => front.discovery?.(core, found.backend));
    return preflight(Object.assign({}, ...said));
  }
  const token = tokenOf(url);
  const admit = async (): Promise<StartRequest> => {
    const grant = await authorize(request);
    trace.subject = grant.subject;
    noteBackend(trace, found.backend, found.bucket);
    await permit(core, grant, trace, request);
    const query = url.searchParams;
    const place: Place = { base: base ?? url.origin + prefix, path, query, ...found };
    return { request, place, grant };
  };
  const asked: Asked = { request, url, token, admit, inform };
  const front = spoken[0] ?? await frontWithoutWords(core, asked);
  return await front.answer(core, asked, trace);
}

/** The front of a request that has no protocol's own words. */
async function frontWithoutWords(core: Core, asked: Asked): Promise<Front> {
  for (const front of FRONTS) {
    if (front.isFor && await front.isFor(core, asked)) return front;
  }
  throw new TypeError("The last front takes every request");
}

/** The backend whose path it is. */
function locate({ backends }: Core, path: string): Pick<Place, "backend" | "bucket"> | undefined {
  for (const backend of backends.values()) {
    const found = backend.locate(path);
    if (found) return { backend, bucket: found.bucket ?? "" };
  }
}

/** Refuses what servers differ in, before a route is chosen by it; returns the URL. */
function checkHead({ url, headers }: Request): URL {
  const parsed = parsedUrl(url);
  checkHost(headers);
  checkFraming(headers);
  return parsed;
}

function parsedUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw badRequest("Expected a URL and a Host that can be read");
  }
}

/** Refuses a host that is none: Deno puts it before the path as it is, and a path in it would choose the route. */
function checkHost(headers: Headers): void {
  const host = headers.get("host");
  if (host !== null && !/^(?:[\w.-]+|\[[0-9a-f:.]+\])?(?::\d{1,5})?$/i.test(host)) {
    throw badRequest("Host: expected a host, with or without a port");
  }
}

/** The query of a session's URL as it was handed out. */
const SESSION_QUERY = /^\?uploadType=resumable&upload_id=([\w.-]+)$/;

/** The sealed session of a URL as it stands there, once and not encoded; an empty one, which opens nothing, for any other. */
function tokenOf(url: URL): string | undefined {
  const { search } = url;
  const usual = SESSION_QUERY.exec(search)?.[1];
  if (usual !== undefined) return usual; // most often: to parse a query takes Deno a tenth of the time that a chunk needs
  const [token, ...others] = url.searchParams.getAll("upload_id");
  if (token === undefined) return undefined;
  const written = /[?&]upload_id=([^&]*)/.exec(search)?.[1];
  return others.length === 0 && written === token ? token : "";
}
