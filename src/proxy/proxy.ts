/** The edge proxy as one function of a request: which request is for whom. */

import type { Transport } from "../net/transport.ts";
import { isBucketName } from "../protocol/upload_url.ts";
import { cloudStorage } from "./backends/cloud_storage.ts";
import { checkFraming } from "./body.ts";
import { checkOrigins, preflight, withCors } from "./cors.ts";
import { end, media, multipart, type Place, proceed, startUpload } from "./fronts/content_range.ts";
import { GrantError, readGrant, type UploadGrant } from "./grant.ts";
import { badRequest, errorResponse, HttpError, quote, unauthorized } from "./http_error.ts";
import { HookError, type UploadHooks } from "./hooks.ts";
import type { Trace, UploadLogEntry } from "./log.ts";
import { isOpenable, isTypePattern } from "./policy.ts";
import { ProgressTable } from "./progress.ts";
import { type Core, permit } from "./session.ts";
import { sessionSealer } from "./session_token.ts";
import { SettingError } from "./setting_error.ts";
import { type TicketSettings, ticketVerifiers } from "./ticket.ts";

/** Options of {@linkcode createUploadProxy}. */
export interface UploadProxyOptions extends UploadHooks {
  /** Sends requests to Google with the proxy's own credentials: a transport of `./auth`, or `fetch` for an emulator. */
  transport: Transport;
  /** 32 random bytes in base64url: the first one seals upload sessions, all of them open (so they can be changed). */
  sessionSecrets: readonly string[];
  /** How upload tickets are verified: those of one issuer, or of several. This, or `authorize`, or both. */
  tickets?: TicketSettings | readonly TicketSettings[];
  /**
   * Says what a request may upload; a thrown {@linkcode HttpError} is its reply. With `tickets` it gets a function that verifies
   * the request's ticket, to narrow what that says.
   */
  authorize?: (
    request: Request,
    verifyTicket: () => Promise<UploadGrant>,
  ) => UploadGrant | Promise<UploadGrant>;
  /** The bucket that uploads go to, unless a grant names another. */
  bucket?: string;
  /**
   * The origin of Google's API.
   *
   * @default {"https://storage.googleapis.com"}
   */
  endpoint?: string;
  /** Sends requests on sessions, which need no credentials. The default is `fetch`. */
  fetch?: Transport;
  /**
   * The most bytes of an object.
   *
   * @default {5497558138880} 5 TiB, Google's own limit
   */
  maxUploadBytes?: number;
  /**
   * The most bytes of one request; advertised in the header `X-Max-Chunk-Bytes`.
   *
   * @default {104857600} 100 MiB, the smallest limit of a request on Cloudflare
   */
  maxChunkBytes?: number;
  /**
   * Whether requests with bytes must say their length, and get a 411 otherwise.
   *
   * @default {false}
   */
  requireContentLength?: boolean;
  /**
   * How long a client may take for what an upload begins with, in milliseconds: the metadata, the head of a multipart body.
   *
   * @default {30000}
   */
  startTimeout?: number;
  /** The media types that may be uploaded, such as `image/*`. The default is any. */
  contentTypes?: readonly string[];
  /** All buckets that uploads may go to. The default is `bucket`, and those that grants name. */
  buckets?: readonly string[];
  /**
   * The fields of an object that clients may set, where their grant does not say; where it does, those that are in both. See
   * {@linkcode UploadGrant.fields}.
   *
   * @default {[]}
   */
  fields?: readonly string[];
  /**
   * How long an upload can go on, in seconds; at most Google's 7 days.
   *
   * @default {604800}
   */
  sessionTtl?: number;
  /** The exact origins of pages that may use the proxy. The default is none. */
  allowedOrigins?: readonly string[];
  /** The origin under which clients reach the proxy, where that is not the one of the requests it gets. */
  publicOrigin?: string;
  /** Gets one entry for each request. */
  log?: (entry: UploadLogEntry) => void;
  /** The time in milliseconds since 1970. */
  now?: () => number;
}

/** An upload proxy: what Deno, Bun and Cloudflare call for each request. */
export interface UploadProxy {
  /** Answers a request; never rejects. */
  fetch(request: Request): Promise<Response>;
}

const WEEK = 604_800;
const UPLOAD_PATH = /^\/(?:resumable\/)?upload\/storage\/v1\/b\/([a-z0-9._-]{3,222})\/o\/?$/;

/**
 * Makes an upload proxy: an endpoint of Google's upload protocol for clients that have a ticket instead of Google's
 * credentials.
 *
 * @throws {TypeError} an option is missing or malformed; the message names it
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
  checkOptions(options);
  const allowedOrigins = checkOrigins(options.allowedOrigins ?? []);
  const core = coreOf(options);
  const authorize = authorizer(options);
  const { now } = core;
  const publicOrigin = options.publicOrigin && checkOrigin("PUBLIC_ORIGIN", options.publicOrigin);
  return {
    async fetch(request) {
      const started = now();
      const trace: Trace = { event: "refused" };
      let error: string | undefined;
      let response: Response;
      try {
        response = await route(request, core, authorize, publicOrigin, trace);
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
        await request.body?.cancel().catch(() => {});
      }
      if (trace.upstreamMs !== undefined) {
        response.headers.set("server-timing", `upstream;dur=${trace.upstreamMs}`);
      }
      response.headers.set("x-max-chunk-bytes", String(core.maxChunkBytes));
      response.headers.set("x-content-type-options", "nosniff");
      response.headers.set("content-security-policy", "default-src 'none'; sandbox");
      try {
        options.log?.({
          time: new Date(now()).toISOString(),
          method: request.method,
          status: response.status,
          ms: now() - started,
          ...trace,
          ...(error && { error }),
        });
      } catch { /* a log that fails is no reason to fail the upload */ }
      return withCors(response, request, allowedOrigins);
    },
  };
}

/** The ways to start an upload. */
const STARTS = new Map([
  ["resumable", { event: "start", begin: startUpload }],
  ["media", { event: "media", begin: media }],
  ["multipart", { event: "multipart", begin: multipart }],
]);

async function route(
  request: Request,
  core: Core,
  authorize: (request: Request) => Promise<UploadGrant>,
  publicOrigin: string | undefined,
  trace: Trace,
): Promise<Response> {
  if (!URL.canParse(request.url)) throw badRequest("Expected a URL and a Host that can be read");
  checkHost(request.headers);
  checkFraming(request.headers);
  const url = new URL(request.url);
  if (url.pathname === "/healthz" && (request.method === "GET" || request.method === "HEAD")) {
    trace.event = "health";
    return Response.json({ status: "ok" });
  }
  const bucket = UPLOAD_PATH.exec(url.pathname)?.[1];
  if (bucket === undefined) {
    throw new HttpError(404, "notFound", "Expected a path such as /upload/storage/v1/b/BUCKET/o");
  }
  if (request.method === "OPTIONS") {
    trace.event = "preflight";
    return preflight();
  }
  const query = url.searchParams;
  const token = tokenOf(url);
  if (token !== undefined) {
    trace.event = request.method === "DELETE" ? "cancel" : "chunk";
    if (request.method === "DELETE") return await end(core, request, token, trace);
    if (request.method === "PUT" || request.method === "POST") {
      return await proceed(core, request, token, trace);
    }
  }
  if (request.method !== "POST") {
    const message = "Expected POST to start an upload, or PUT or DELETE with an upload_id";
    throw new HttpError(405, "methodNotAllowed", message, { allow: "POST, PUT, DELETE, OPTIONS" });
  }
  const way = STARTS.get(query.get("uploadType") ?? "");
  if (!way) {
    throw badRequest("uploadType: expected resumable, media or multipart", "invalidParameter");
  }
  trace.event = way.event;
  const grant = await authorize(request);
  trace.subject = grant.subject;
  trace.bucket = bucket;
  await permit(core, grant, trace, request);
  const place: Place = {
    origin: publicOrigin ?? url.origin,
    path: url.pathname,
    bucket: trace.bucket,
    query,
  };
  return await way.begin(core, { request, place, grant }, trace);
}

/** Refuses a host that is none: Deno puts it before the path as it is, and a path in it would choose the route. */
function checkHost(headers: Headers): void {
  const host = headers.get("host");
  if (host !== null && !/^(?:[\w.-]+|\[[0-9a-f:.]+\])?(?::\d{1,5})?$/i.test(host)) {
    throw badRequest("Host: expected a host, with or without a port");
  }
}

/** The sealed session of a URL as it stands there, once and not encoded; an empty one, which opens nothing, for any other. */
function tokenOf({ search, searchParams }: URL): string | undefined {
  const [token, ...others] = searchParams.getAll("upload_id");
  if (token === undefined) return undefined;
  const written = /[?&]upload_id=([^&]*)/.exec(search)?.[1];
  return others.length === 0 && written === token ? token : "";
}

/** Who says what a request may upload; nothing is open by default. */
function authorizer(
  { tickets, authorize, now, sessionSecrets }: UploadProxyOptions,
): (request: Request) => Promise<UploadGrant> {
  if (tickets === undefined && authorize === undefined) {
    throw new TypeError("Cannot make an upload proxy: expected `tickets` or `authorize`");
  }
  const all = tickets === undefined ? [] : Array.isArray(tickets) ? tickets : [tickets];
  if (all.some((one) => "secret" in one && sessionSecrets.includes(one.secret))) {
    throw new SettingError("TICKET_SECRET", "another value than SESSION_SECRET");
  }
  const verify = tickets === undefined ? undefined : ticketVerifiers(all, now);
  const verifyTicket = async ({ headers }: Request) => {
    if (!verify) throw new TypeError("verifyTicket: expected the option `tickets`");
    const ticket = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (!ticket) {
      throw unauthorized("Expected an upload ticket in the Authorization header, as Bearer");
    }
    return await verify(ticket);
  };
  if (!authorize) return verifyTicket;
  return async (request) => readGrant(await authorize(request, () => verifyTicket(request)));
}

function coreOf(options: UploadProxyOptions): Core {
  const { transport, endpoint = "https://storage.googleapis.com", now = Date.now } = options;
  if (typeof transport !== "function") {
    throw new TypeError("transport: expected a function such as fetch");
  }
  const sessionTtl = checkNumber("SESSION_TTL_SECONDS", options.sessionTtl ?? WEEK, 1, WEEK);
  const maxChunkBytes = checkNumber(
    "MAX_CHUNK_BYTES",
    options.maxChunkBytes ?? 104_857_600,
    262_144,
    Number.MAX_SAFE_INTEGER,
  );
  return {
    backend: cloudStorage({
      endpoint: checkOrigin("GCS_ENDPOINT", endpoint),
      transport,
      plain: options.fetch ?? ((input, init) => fetch(input, init)),
      maxChunkBytes,
    }),
    sealer: sessionSealer(options.sessionSecrets, now),
    limits: {
      bucket: checkBucket(options.bucket),
      maxBytes: checkNumber(
        "MAX_UPLOAD_BYTES",
        options.maxUploadBytes ?? 5_497_558_138_880,
        0,
        5_497_558_138_880,
      ),
      buckets: options.buckets && checkBuckets(options.buckets),
      contentTypes: checkContentTypes(options.contentTypes),
      fields: options.fields && checkOpenable(options.fields),
    },
    maxChunkBytes,
    requireLength: options.requireContentLength ?? false,
    startTimeout: checkNumber(
      "START_TIMEOUT_SECONDS",
      options.startTimeout ?? 30_000,
      1,
      2 ** 31 - 1,
    ),
    sessionTtl,
    progress: new ProgressTable(),
    hooks: options,
    now,
  };
}

function checkNumber(name: string, value: number, least: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new SettingError(name, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function checkOrigin(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    !url || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search || url.username ||
    url.password
  ) {
    throw new SettingError(
      name,
      "an origin such as https://storage.googleapis.com, got something else",
    );
  }
  return url.origin;
}

function checkBucket(bucket: string | undefined): string | undefined {
  if (bucket !== undefined && !isBucketName(bucket)) {
    throw new SettingError("GCS_BUCKET", "the name of a bucket, got something else");
  }
  return bucket;
}

function checkBuckets(buckets: readonly string[]): readonly string[] {
  if (buckets.length === 0 || !buckets.every(isBucketName)) {
    throw new SettingError("ALLOWED_BUCKETS", "names of buckets, got something else");
  }
  return buckets;
}

function checkOpenable(fields: readonly string[]): readonly string[] {
  if (!fields.every(isOpenable)) {
    throw new SettingError(
      "ALLOWED_FIELDS",
      "fields such as cacheControl, metadata or metadata.author, got something else",
    );
  }
  return fields;
}

function checkContentTypes(types: readonly string[] | undefined): readonly string[] | undefined {
  if (types?.every(isTypePattern) === false) {
    throw new SettingError(
      "ALLOWED_CONTENT_TYPES",
      "media types such as image/png or image/*, got something else",
    );
  }
  return types;
}

/** An option that nobody knows would be a limit that does not hold. */
function checkOptions(options: UploadProxyOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot make an upload proxy: the option ${quote(unknown)} is not known`);
  }
}

const OPTIONS: Record<keyof UploadProxyOptions, true> = {
  allowedOrigins: true,
  authorize: true,
  bucket: true,
  buckets: true,
  contentTypes: true,
  endpoint: true,
  fetch: true,
  fields: true,
  log: true,
  maxChunkBytes: true,
  maxUploadBytes: true,
  now: true,
  onFinish: true,
  onRequest: true,
  onStart: true,
  publicOrigin: true,
  requireContentLength: true,
  sessionSecrets: true,
  sessionTtl: true,
  startTimeout: true,
  tickets: true,
  transport: true,
};
