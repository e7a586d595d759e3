/** The options of the proxy: what they are, and whether they can be. */

import type { Transport } from "../net/transport.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range/ranges.ts";
import { isBucketName } from "../protocol/upload_url.ts";
import { type Backend, CLOUD_STORAGE } from "./backend.ts";
import { cloudStorage } from "./backends/cloud_storage.ts";
import type { Core } from "./core.ts";
import { isBackendName, type UploadGrant } from "./grant.ts";
import type { UploadHooks } from "./hooks.ts";
import { quote } from "./http_error.ts";
import type { UploadLogEntry } from "./log.ts";
import { isOpenable, isTypePattern } from "./policy.ts";
import { ProgressTable } from "./session_progress.ts";
import { Room } from "./collecting_memory.ts";
import { sessionSealer } from "./session_token.ts";
import { TurnTable } from "./session_turn.ts";
import { SettingError } from "./setting_error.ts";
import type { TicketSettings } from "./ticket.ts";

/** Options of {@linkcode createUploadProxy}. */
export interface UploadProxyOptions extends UploadHooks {
  /**
   * Sends requests to Cloud Storage with the proxy's own credentials: a transport of `./auth`, or `fetch` for an emulator.
   * Without it, uploads go to {@linkcode backends} only.
   */
  transport?: Transport | undefined;
  /**
   * Where uploads may go besides Cloud Storage: those of {@linkcode geminiFiles}, of {@linkcode apiBackend}, or your own. A
   * ticket names the one that it is for.
   *
   * @default {[]}
   */
  backends?: readonly Backend[] | undefined;
  /** 32 random bytes in base64url: the first one seals upload sessions, all of them open (so they can be changed). */
  sessionSecrets: readonly string[];
  /** How upload tickets are verified: those of one issuer, or of several. This, or `authorize`, or both. */
  tickets?: TicketSettings | readonly TicketSettings[] | undefined;
  /**
   * Says what a request may upload; a thrown {@linkcode HttpError} is its reply. With `tickets` it gets a function that verifies
   * the request's ticket, to narrow what that says.
   */
  authorize?:
    | ((
      request: Request,
      verifyTicket: () => Promise<UploadGrant>,
    ) => UploadGrant | Promise<UploadGrant>)
    | undefined;
  /** The bucket that uploads go to, unless a grant names another. */
  bucket?: string | undefined;
  /**
   * The origin of Google's API.
   *
   * @default {"https://storage.googleapis.com"}
   */
  endpoint?: string | undefined;
  /** Sends requests on sessions, which need no credentials. The default is `fetch`. */
  fetch?: Transport | undefined;
  /**
   * The most bytes of an object.
   *
   * @default {5497558138880} 5 TiB, Google's own limit
   */
  maxUploadBytes?: number | undefined;
  /**
   * The most bytes of one request; advertised in the header `X-Max-Chunk-Bytes`.
   *
   * @default {104857600} 100 MiB, the smallest limit of a request on Cloudflare
   */
  maxChunkBytes?: number | undefined;
  /**
   * Whether requests with bytes must say their length, and get a 411 otherwise.
   *
   * @default {false}
   */
  requireContentLength?: boolean | undefined;
  /**
   * How long a client may take for what an upload begins with, in milliseconds: the metadata, the head of a multipart body.
   *
   * @default {30000}
   */
  startTimeout?: number | undefined;
  /** The media types that may be uploaded, such as `image/*`. The default is any. */
  contentTypes?: readonly string[] | undefined;
  /** All buckets that uploads may go to. The default is `bucket`, and those that grants name. */
  buckets?: readonly string[] | undefined;
  /**
   * The fields of an object that clients may set, where their grant does not say; where it does, those that are in both. See
   * {@linkcode UploadGrant.fields}.
   *
   * @default {[]}
   */
  fields?: readonly string[] | undefined;
  /**
   * How long an upload can go on, in seconds; at most Google's 7 days.
   *
   * @default {604800}
   */
  sessionTtl?: number | undefined;
  /** The origins of pages and apps that may use the proxy: exact ones, or `https://*.app.example`. The default is none. */
  allowedOrigins?: readonly string[] | undefined;
  /** The origin under which clients reach the proxy, and a path if there is one, where that is not the one of the requests. */
  publicOrigin?: string | undefined;
  /** What the paths of all requests begin with, such as `/uploads`. The default is nothing. */
  pathPrefix?: string | undefined;
  /** Where {@linkcode UploadProxy.metrics} are served, such as `/metrics`. The default is nowhere. */
  metricsPath?: string | undefined;
  /**
   * Whether the names of finished objects are in the log.
   *
   * @default {false}
   */
  logNames?: boolean | undefined;
  /** Gets one entry for each request. */
  log?: ((entry: UploadLogEntry) => void) | undefined;
  /** The time in milliseconds since 1970. */
  now?: (() => number) | undefined;
}

const WEEK = 604_800;

/** What the options mean. */
export function coreOf(options: UploadProxyOptions): Core {
  const { now = Date.now } = options;
  if (!Array.isArray(options.sessionSecrets)) {
    throw new TypeError("sessionSecrets: expected a list of secrets, got none");
  }
  const sessionTtl = checkNumber(
    "SESSION_TTL_SECONDS",
    options.sessionTtl ?? WEEK,
    "seconds",
    1,
    WEEK,
  );
  const maxChunkBytes = checkNumber(
    "MAX_CHUNK_BYTES",
    options.maxChunkBytes ?? 104_857_600,
    "bytes",
    UPLOAD_CHUNK_SIZE,
    Number.MAX_SAFE_INTEGER,
  );
  return {
    backends: backendsOf(options, maxChunkBytes),
    sealer: sessionSealer(options.sessionSecrets, now),
    limits: {
      bucket: checkBucket(options.bucket),
      maxBytes: checkNumber(
        "MAX_UPLOAD_BYTES",
        options.maxUploadBytes ?? 5_497_558_138_880,
        "bytes",
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
      "milliseconds in startTimeout", // the setting is in seconds, and has been checked: this is for who sets the option
      1,
      2 ** 31 - 1,
    ),
    sessionTtl,
    progress: new ProgressTable(),
    turns: new TurnTable(),
    room: new Room(),
    hooks: options,
    logNames: options.logNames ?? false,
    now,
  };
}

/** All backends by their names. */
function backendsOf(
  { transport, endpoint = "https://storage.googleapis.com", backends = [], fetch: send }:
    UploadProxyOptions,
  maxChunkBytes: number,
): ReadonlyMap<string, Backend> {
  if (!Array.isArray(backends)) throw new TypeError("backends: expected a list of backends");
  if (typeof transport !== "function" && (transport !== undefined || backends.length === 0)) {
    throw new TypeError("transport: expected a function such as fetch");
  }
  const storage = transport && cloudStorage({
    endpoint: checkOrigin("GCS_ENDPOINT", endpoint),
    transport,
    plain: send ?? ((input, init) => fetch(input, init)),
    maxChunkBytes,
  });
  const named = new Map<string, Backend>(storage && [[storage.name, storage]]);
  for (const backend of backends as readonly Backend[]) {
    const { name, granularity, maxBytes, locate, start, append, ask, cancel } = backend;
    if (!isBackendName(name) || named.has(name) || name === CLOUD_STORAGE) {
      throw new TypeError(
        "backends: expected names of a-z, 0-9 and hyphens that are not taken, got another one",
      );
    }
    if (![locate, start, append, ask, cancel].every((method) => typeof method === "function")) {
      throw new TypeError(`backends: expected the methods of a backend, ${name} lacks one`);
    }
    for (const [field, value] of Object.entries({ granularity, maxBytes })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new TypeError(`backends: expected the ${field} of ${name} to be a number of bytes`);
      }
    }
    // Nothing but the last bytes could ever pass.
    if (granularity > maxChunkBytes) {
      const expected = `at least ${granularity} bytes, which ${name} takes a multiple of`;
      throw new SettingError("MAX_CHUNK_BYTES", expected);
    }
    named.set(name, backend);
  }
  return named;
}

function checkNumber(
  name: string,
  value: number,
  unit: string,
  min: number,
  max: number,
): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new SettingError(name, `a whole number of ${unit} from ${min} to ${max}`);
  }
  return value;
}

/** Origins as they stand in settings, where that is not Cloud Storage's. */
const EXAMPLES: Readonly<Record<string, string>> = {
  GEMINI_ENDPOINT: "generativelanguage.googleapis.com",
  PUBLIC_ORIGIN: "uploads.example",
};

/** An origin without a path, whole: no setting for one takes a wildcard. */
export function checkOrigin(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin || url.hostname.includes("*")) {
    const example = EXAMPLES[name] ?? "storage.googleapis.com";
    throw new SettingError(name, `an origin such as https://${example}, got something else`);
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
export function checkOptions(options: UploadProxyOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot make an upload proxy: expected options as an object, got none");
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot make an upload proxy: the option ${quote(unknown)} is not known; there are ${
        Object.keys(OPTIONS).join(", ")
      }`,
    );
  }
}

/** Where the proxy is: what requests begin with, and what clients see. */
export interface Location {
  /** What the paths of requests begin with; empty for nothing. */
  readonly prefix: string;
  /** What stands before the path of a session's URL in the place of the request's own origin and the prefix. */
  readonly base: string | undefined;
  readonly metricsPath: string | undefined;
}

/** Where the proxy is, by its options. */
export function locationOf(
  { publicOrigin, pathPrefix, metricsPath }: UploadProxyOptions,
): Location {
  const prefix = pathPrefix === undefined ? "" : checkPath("PATH_PREFIX", pathPrefix);
  return {
    prefix,
    base: publicOrigin === undefined ? undefined : checkBase(publicOrigin, prefix),
    metricsPath: metricsPath === undefined ? undefined : checkPath("METRICS_PATH", metricsPath),
  };
}

/** An origin with a path, or with the prefix where it has none. */
function checkBase(publicOrigin: string, prefix: string): string {
  const path = URL.canParse(publicOrigin) ? new URL(publicOrigin).pathname : "/";
  const origin = publicOrigin.endsWith(path) && path !== "/"
    ? publicOrigin.slice(0, -path.length)
    : publicOrigin;
  const checked = checkOrigin("PUBLIC_ORIGIN", origin);
  return checked + (path === "/" ? prefix : checkPath("PUBLIC_ORIGIN", path.replace(/\/$/, "")));
}

function checkPath(name: string, path: string): string {
  if (!/^(?:\/[\w.~-]+)+$/.test(path) || /\/\.{1,2}(?:\/|$)/.test(path)) {
    const example = name === "METRICS_PATH" ? "/metrics" : "/uploads";
    throw new SettingError(name, `a path such as ${example}, got something else`);
  }
  return path;
}

const OPTIONS: Record<keyof UploadProxyOptions, true> = {
  allowedOrigins: true,
  authorize: true,
  backends: true,
  bucket: true,
  buckets: true,
  contentTypes: true,
  endpoint: true,
  fetch: true,
  fields: true,
  log: true,
  logNames: true,
  maxChunkBytes: true,
  maxUploadBytes: true,
  metricsPath: true,
  now: true,
  onFinish: true,
  onRequest: true,
  onStart: true,
  pathPrefix: true,
  publicOrigin: true,
  requireContentLength: true,
  sessionSecrets: true,
  sessionTtl: true,
  startTimeout: true,
  tickets: true,
  transport: true,
};
