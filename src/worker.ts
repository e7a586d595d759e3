/**
 * An upload proxy that is deployed as it is: `export default { fetch }` for Cloudflare Workers, Deno Deploy and Bun, set
 * up by environment variables; and {@linkcode createUploadProxy} for those who write their own worker.
 * The settings are those of {@linkcode WorkerSettings}; `docs/deploy.md` takes you to a first upload.
 *
 * @module
 */

import {
  authorizedUserTransport,
  externalAccountTransport,
  metadataServerTransport,
  serviceAccountTransport,
} from "./auth/mod.ts";
import { checkCompatibilityDate } from "./proxy/compatibility_date.ts";
import { errorResponse, HttpError, printable } from "./proxy/http_error.ts";
import type { Backend } from "./proxy/backend.ts";
import { geminiFiles } from "./proxy/backends/gemini_files.ts";
import type { UploadGrant } from "./proxy/grant.ts";
import type { TicketSettings } from "./proxy/ticket.ts";
import { isAllowedOrigin } from "./proxy/page_origins.ts";
import { checkOrigin } from "./proxy/proxy_location.ts";
import {
  createUploadProxy,
  type ServerMeans,
  type UploadProxy,
  type UploadProxyOptions,
} from "./proxy/proxy.ts";
import { isSafeUrl } from "./proxy/safe_url.ts";
import { checkNoExample } from "./proxy/secrets.ts";
import { SettingError } from "./proxy/setting_error.ts";
import { finishWebhook } from "./proxy/webhook.ts";

export {
  createUploadProxy,
  type ServerMeans,
  type UploadProxy,
  type UploadProxyOptions,
} from "./proxy/proxy.ts";
export type {
  FinishEvent,
  RequestEvent,
  StartDecision,
  StartEvent,
  UploadHooks,
  UploadParty,
} from "./proxy/hooks.ts";
export { apiBackend, type ApiBackendOptions } from "./proxy/backends/api.ts";
export { geminiFiles, type GeminiFilesOptions } from "./proxy/backends/gemini_files.ts";
export type {
  Backend,
  BackendSession,
  BackendTrace,
  Chunk,
  FileDescription,
  NewObject,
} from "./proxy/backend.ts";
export type { PassedBody } from "./proxy/request_body.ts";
export type { ChunkRange } from "./proxy/chunk_range.ts";
export type { FinishedObject, Outcome, Refused } from "./proxy/outcome.ts";
export { sendUpstream, type UpstreamReply, type UpstreamRequest } from "./proxy/upstream.ts";
export type { UploadLogEntry } from "./proxy/log.ts";
export type { Transport } from "./auth/mod.ts";
export type { UploadGrant } from "./proxy/grant.ts";
export { HttpError } from "./proxy/http_error.ts";
export { SettingError } from "./proxy/setting_error.ts";
export { finishWebhook, type WebhookOptions } from "./proxy/webhook.ts";
export { signUploadTicket, type TicketOptions } from "./proxy/sign_ticket.ts";
export type { TicketSettings } from "./proxy/ticket.ts";

/** The settings of the worker: variables and secrets, all of them text. */
export interface WorkerSettings {
  /** The bucket uploads go to, unless a ticket names another. */
  GCS_BUCKET?: string | undefined;
  /** The origin of Google's API, or an emulator's in development. The default is `https://storage.googleapis.com`. */
  GCS_ENDPOINT?: string | undefined;
  /**
   * Where Google's credentials come from: `service-account` (default), `external-account`, `authorized-user`, `metadata`, or `none`:
   * for an emulator, or, without `GCS_ENDPOINT`, for no uploads to Cloud Storage, where there is a `GEMINI_API_KEY`.
   */
  GOOGLE_AUTH?: string | undefined;
  /** The key of the service account, as JSON; a secret. */
  GOOGLE_SERVICE_ACCOUNT?: string | undefined;
  /** A key of the Gemini API, where tickets may be for its files; a secret. */
  GEMINI_API_KEY?: string | undefined;
  /** The origin of the Gemini API, or an emulator's. The default is `https://generativelanguage.googleapis.com`. */
  GEMINI_ENDPOINT?: string | undefined;
  /** The configuration of workload identity federation, as JSON. Its subject token is at a URL, or in a file where there are files. */
  GOOGLE_EXTERNAL_ACCOUNT?: string | undefined;
  /** The credentials of a user, as `gcloud auth application-default login` writes them; a secret. */
  GOOGLE_AUTHORIZED_USER?: string | undefined;
  /** 32 random bytes in base64url; several with commas: the first seals, all open. A secret. */
  SESSION_SECRET?: string | undefined;
  /** The HS256 secret of the upload tickets, at least 32 bytes of UTF-8; a secret. */
  TICKET_SECRET?: string | undefined;
  /** Where the public keys of the upload tickets are, instead of a secret (RS256, ES256, EdDSA). */
  TICKET_JWKS_URL?: string | undefined;
  /** The `iss` that such tickets must have. */
  TICKET_ISSUER?: string | undefined;
  /** The `aud` that such tickets must have. */
  TICKET_AUDIENCE?: string | undefined;
  /** `true` lets anyone upload within the limits, instead of tickets; for demos. */
  ALLOW_ANONYMOUS?: string | undefined;
  /** The origins of pages and apps that may use the proxy, with commas: exact ones, or `https://*.app.example`. */
  ALLOWED_ORIGINS?: string | undefined;
  /**
   * Several issuers of tickets, instead of the settings above: a JSON list of objects with `secret`, or `jwksUrl`, `issuer` and
   * `audience`; and `buckets`, `prefixes` and `maxAge` as far as they are limited. A secret.
   */
  TICKETS?: string | undefined;
  /** How long a ticket may be good, in seconds. The default is 86400, a day. */
  TICKET_MAX_AGE_SECONDS?: string | undefined;
  /** The media types that may be uploaded, with commas, such as `image/*`. The default is any. */
  ALLOWED_CONTENT_TYPES?: string | undefined;
  /** All buckets that uploads may go to, with commas. The default is `GCS_BUCKET`, and those that tickets name. */
  ALLOWED_BUCKETS?: string | undefined;
  /** The fields of an object that clients may set, with commas, such as `cacheControl,metadata.author`. The default is none. */
  ALLOWED_FIELDS?: string | undefined;
  /** The most bytes of an object. The default is Google's limit, 5 TiB. */
  MAX_UPLOAD_BYTES?: string | undefined;
  /** The most bytes of a request. The default is 104857600, 100 MiB. */
  MAX_CHUNK_BYTES?: string | undefined;
  /** `true` refuses bodies without a `Content-Length`. */
  REQUIRE_CONTENT_LENGTH?: string | undefined;
  /** How long a client may take for what an upload begins with, in seconds. The default is 30. */
  START_TIMEOUT_SECONDS?: string | undefined;
  /** How long an upload can go on, in seconds. The default is Google's limit, 604800, 7 days. */
  SESSION_TTL_SECONDS?: string | undefined;
  /** Where each finished object is told of, before its client hears of it; an https URL. */
  FINISH_WEBHOOK_URL?: string | undefined;
  /** What that is signed with: `whsec_` and 24 to 64 random bytes in base64; a secret. */
  FINISH_WEBHOOK_SECRET?: string | undefined;
  /** The origin under which clients reach the proxy, and a path if there is one, where something in between changes it. */
  PUBLIC_ORIGIN?: string | undefined;
  /** What the paths of all requests begin with, such as `/uploads`. The default is nothing. */
  PATH_PREFIX?: string | undefined;
  /** Where the numbers of the instance are served, such as `/metrics`. The default is nowhere. */
  METRICS_PATH?: string | undefined;
  /** `true` puts the names of finished objects into the log. */
  LOG_OBJECT_NAMES?: string | undefined;
}

const NAMES: Record<keyof WorkerSettings, true> = {
  ALLOWED_BUCKETS: true,
  ALLOWED_CONTENT_TYPES: true,
  ALLOWED_FIELDS: true,
  ALLOWED_ORIGINS: true,
  ALLOW_ANONYMOUS: true,
  FINISH_WEBHOOK_SECRET: true,
  FINISH_WEBHOOK_URL: true,
  GEMINI_API_KEY: true,
  GEMINI_ENDPOINT: true,
  GCS_BUCKET: true,
  GCS_ENDPOINT: true,
  GOOGLE_AUTH: true,
  GOOGLE_AUTHORIZED_USER: true,
  GOOGLE_EXTERNAL_ACCOUNT: true,
  GOOGLE_SERVICE_ACCOUNT: true,
  MAX_CHUNK_BYTES: true,
  MAX_UPLOAD_BYTES: true,
  LOG_OBJECT_NAMES: true,
  METRICS_PATH: true,
  PATH_PREFIX: true,
  PUBLIC_ORIGIN: true,
  REQUIRE_CONTENT_LENGTH: true,
  SESSION_SECRET: true,
  SESSION_TTL_SECONDS: true,
  START_TIMEOUT_SECONDS: true,
  TICKETS: true,
  TICKET_AUDIENCE: true,
  TICKET_ISSUER: true,
  TICKET_JWKS_URL: true,
  TICKET_MAX_AGE_SECONDS: true,
  TICKET_SECRET: true,
};

/**
 * The options that settings mean, for workers that want a little more than the one that is deployed as it is.
 *
 * @throws {SettingError} a setting is missing or malformed; the message names it and shows no value
 */
export function proxyOptions(settings: WorkerSettings): UploadProxyOptions {
  checkCompatibilityDate();
  for (const name of ["SESSION_SECRET", "TICKET_SECRET"] as const) {
    checkNoExample(name, settings[name] ?? "");
  }
  return {
    transport: transportOf(settings),
    backends: backendsOf(settings),
    sessionSecrets: listOf(required(settings, "SESSION_SECRET")),
    ...authorizationOf(settings),
    bucket: settings.GCS_BUCKET,
    endpoint: settings.GCS_ENDPOINT,
    maxUploadBytes: numberOf(settings, "MAX_UPLOAD_BYTES"),
    maxChunkBytes: numberOf(settings, "MAX_CHUNK_BYTES"),
    contentTypes: listOr(settings.ALLOWED_CONTENT_TYPES),
    buckets: listOr(settings.ALLOWED_BUCKETS),
    fields: listOr(settings.ALLOWED_FIELDS),
    requireContentLength: booleanOf(settings, "REQUIRE_CONTENT_LENGTH"),
    startTimeout: secondsOf(settings, "START_TIMEOUT_SECONDS"),
    sessionTtl: numberOf(settings, "SESSION_TTL_SECONDS"),
    allowedOrigins: listOf(settings.ALLOWED_ORIGINS ?? ""),
    publicOrigin: settings.PUBLIC_ORIGIN,
    pathPrefix: settings.PATH_PREFIX,
    metricsPath: settings.METRICS_PATH,
    logNames: booleanOf(settings, "LOG_OBJECT_NAMES"),
    onFinish: webhookOf(settings),
    log: (entry) => console.log(printable(JSON.stringify(entry))),
  };
}

function transportOf(settings: WorkerSettings): UploadProxyOptions["transport"] {
  const { GOOGLE_AUTH: kind = "service-account", GCS_ENDPOINT: endpoint } = settings;
  if (kind === "none") {
    if (endpoint !== undefined) return (input, init) => fetch(input, init);
    if (settings.GEMINI_API_KEY) return undefined;
    throw new SettingError("GOOGLE_AUTH", "credentials, since GCS_ENDPOINT is Google's, got none");
  }
  const origin = endpoint === undefined ? undefined : originOf("GCS_ENDPOINT", endpoint);
  const origins = origin === undefined ? undefined : [origin];
  if (kind === "metadata") return metadataServerTransport({ origins });
  if (!Object.hasOwn(CREDENTIALS, kind)) {
    const kinds = [...Object.keys(CREDENTIALS), "metadata"].join(", ");
    throw new SettingError("GOOGLE_AUTH", `${kinds} or none, got something else`);
  }
  const { setting, transport } = CREDENTIALS[kind];
  const credentials = required(settings, setting);
  try {
    return transport(credentials, { origins });
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: "other credentials" };
    if (message.includes("readFile")) { // the option of a program, not of a deployed worker
      throw new SettingError(setting, "a credential_source with a url: there are no files here");
    }
    throw new SettingError(setting, message.replace(/^credentials: (?:expected )?/, ""));
  }
}

/** An origin to which credentials may be sent. */
function originOf(name: "GCS_ENDPOINT" | "GEMINI_ENDPOINT", endpoint: string): string {
  const origin = checkOrigin(name, endpoint);
  if (isSafeUrl(origin)) return origin;
  throw new SettingError(name, "https, since credentials are sent there, got http");
}

/** Where uploads may go besides Cloud Storage. */
function backendsOf(settings: WorkerSettings): readonly Backend[] {
  const { GEMINI_API_KEY: key, GEMINI_ENDPOINT: endpoint } = settings;
  if (key === undefined) {
    if (endpoint === undefined) return [];
    throw new SettingError("GEMINI_API_KEY", "a key, since there is a GEMINI_ENDPOINT, got none");
  }
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    throw new SettingError(
      "GEMINI_API_KEY",
      "a key of visible ASCII characters, got something else",
    );
  }
  const origin = endpoint === undefined ? undefined : originOf("GEMINI_ENDPOINT", endpoint);
  return [geminiFiles({ apiKey: key, endpoint: origin })];
}

/** How credentials become a transport. */
interface CredentialsKind {
  readonly setting: keyof WorkerSettings;
  transport(
    credentials: string,
    options: { readonly origins: readonly string[] | undefined },
  ): UploadProxyOptions["transport"];
}

/** What `GOOGLE_AUTH` can say of credentials that are text. */
const CREDENTIALS: Readonly<Record<string, CredentialsKind>> = {
  "service-account": { setting: "GOOGLE_SERVICE_ACCOUNT", transport: serviceAccountTransport },
  "external-account": {
    setting: "GOOGLE_EXTERNAL_ACCOUNT",
    transport: (json, { origins }) =>
      externalAccountTransport(json, { origins, readFile: fileReader() }),
  },
  "authorized-user": { setting: "GOOGLE_AUTHORIZED_USER", transport: authorizedUserTransport },
};

/** Nothing is open by default. */
function authorizationOf(
  settings: WorkerSettings,
): Pick<UploadProxyOptions, "tickets" | "authorize"> {
  const { TICKET_SECRET: secret, TICKET_JWKS_URL: jwksUrl } = settings;
  const isAnonymous = booleanOf(settings, "ALLOW_ANONYMOUS") === true;
  const ways =
    [isAnonymous, secret !== undefined, jwksUrl !== undefined, settings.TICKETS !== undefined]
      .filter(Boolean).length;
  const names = "one of TICKET_SECRET, TICKET_JWKS_URL, TICKETS and ALLOW_ANONYMOUS";
  if (ways === 0) throw new SettingError("TICKET_SECRET", `${names}, got none: nobody may upload`);
  if (ways > 1) throw new SettingError("TICKET_SECRET", `${names}, got ${ways}`);
  if (isAnonymous) {
    required(settings, "GCS_BUCKET");
    return { authorize: anonymous(settings) };
  }
  if (settings.TICKETS !== undefined) {
    for (const name of ["TICKET_ISSUER", "TICKET_AUDIENCE", "TICKET_MAX_AGE_SECONDS"] as const) {
      if (settings[name] !== undefined) {
        throw new SettingError(name, "none beside TICKETS, where each issuer has its own");
      }
    }
    return { tickets: issuersOf(settings.TICKETS) };
  }
  const { TICKET_ISSUER: issuer, TICKET_AUDIENCE: audience } = settings;
  const maxAge = numberOf(settings, "TICKET_MAX_AGE_SECONDS");
  if (secret !== undefined) return { tickets: { secret, issuer, audience, maxAge } };
  if (!isSafeUrl(jwksUrl)) {
    throw new SettingError("TICKET_JWKS_URL", "an https URL, got something else");
  }
  return {
    tickets: {
      jwksUrl: jwksUrl!,
      issuer: required(settings, "TICKET_ISSUER"),
      audience: required(settings, "TICKET_AUDIENCE"),
      maxAge,
    },
  };
}

/** Fields of an issuer that can be said in text. */
const ISSUER_FIELDS = ["audience", "buckets", "issuer", "jwksUrl", "maxAge", "prefixes", "secret"];

function issuersOf(json: string): TicketSettings[] {
  const wrong = new SettingError(
    "TICKETS",
    "a JSON list of issuers of tickets, got something else",
  );
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    throw wrong;
  }
  if (!Array.isArray(list) || list.length === 0) throw wrong;
  for (const one of list) {
    if (typeof one !== "object" || one === null || Array.isArray(one)) throw wrong;
    const { secret, jwksUrl } = one;
    const isKnown = Object.keys(one).every((field) => ISSUER_FIELDS.includes(field));
    const isOneOf = typeof secret === "string" ? jwksUrl === undefined : isSafeUrl(jwksUrl);
    if (!isKnown || !isOneOf) throw wrong;
    if (typeof secret === "string") checkNoExample("TICKETS", secret);
  }
  return list as TicketSettings[];
}

/**
 * Lets everybody upload, but for pages that `ALLOWED_ORIGINS` does not name: their visitors would upload without knowing, by
 * requests that a browser sends without asking first.
 */
function anonymous(settings: WorkerSettings): (request: Request) => UploadGrant {
  const allowed = listOf(settings.ALLOWED_ORIGINS ?? "");
  return (request) => {
    const origin = request.headers.get("origin");
    if (origin !== null && !isAllowedOrigin(allowed, origin)) {
      const own = new URL(settings.PUBLIC_ORIGIN ?? request.url).host;
      if (!URL.canParse(origin) || new URL(origin).host !== own) {
        throw new HttpError(403, "forbidden", "Pages of this origin may not upload here");
      }
    }
    return { subject: "anonymous", prefix: "" };
  };
}

function webhookOf(settings: WorkerSettings): UploadProxyOptions["onFinish"] {
  const { FINISH_WEBHOOK_URL: url, FINISH_WEBHOOK_SECRET: secret } = settings;
  if (url === undefined && secret === undefined) return undefined;
  return finishWebhook({
    url: required(settings, "FINISH_WEBHOOK_URL"),
    secret: required(settings, "FINISH_WEBHOOK_SECRET"),
  });
}

function required(settings: WorkerSettings, name: keyof WorkerSettings): string {
  const value = settings[name];
  if (!value) throw new SettingError(name, "a value, got none");
  return value;
}

function booleanOf(settings: WorkerSettings, name: keyof WorkerSettings): boolean | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") {
    throw new SettingError(name, "true or false, got something else");
  }
  return value === "true";
}

/** The longest time that a timer of the platform can be set to, in seconds. */
const MAX_TIMER = 2_147_483;

/** What is said in seconds, in milliseconds. */
function secondsOf(settings: WorkerSettings, name: keyof WorkerSettings): number | undefined {
  const seconds = numberOf(settings, name);
  if (seconds === undefined) return undefined;
  if (seconds >= 1 && seconds <= MAX_TIMER) return 1000 * seconds;
  throw new SettingError(name, `a whole number of seconds from 1 to ${MAX_TIMER}`);
}

function numberOf(settings: WorkerSettings, name: keyof WorkerSettings): number | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value); // whoever uses it knows the bounds
  const unit = name.endsWith("SECONDS") ? "seconds" : "bytes";
  throw new SettingError(name, `a whole number of ${unit}, got something else`);
}

function listOr(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : listOf(value);
}

function listOf(value: string): string[] {
  return value.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** What the runtimes that have their environment in a global have there. */
interface Runtime {
  readonly Deno?: {
    readonly env: { get(name: string): string | undefined };
    readTextFile(path: string): Promise<string>;
  };
  readonly Bun?: {
    readonly env: Readonly<Record<string, string | undefined>>;
    file(path: string): { text(): Promise<string> };
  };
}

/** Reads files, where this runtime has some. */
function fileReader(): ((path: string) => Promise<string>) | undefined {
  const { Deno: deno, Bun: bun } = globalThis as Runtime;
  if (deno) return (path) => deno.readTextFile(path);
  return bun && ((path) => bun.file(path).text());
}

type Variables = Readonly<Record<string, unknown>>;

let ofDeno: Variables | undefined;

/** The variables of Deno's environment that are settings, read once: each is a call out of JavaScript. */
function variablesOf({ env }: NonNullable<Runtime["Deno"]>): Variables {
  return ofDeno ??= Object.fromEntries(Object.keys(NAMES).map((name) => [name, env.get(name)]));
}

/** The environment of this runtime: Cloudflare hands it in, Deno and Bun have it. */
function environment(bindings: unknown): WorkerSettings {
  const { Deno: deno, Bun: bun } = globalThis as Runtime;
  const variables = deno ? variablesOf(deno) : bun?.env ?? bindings as Variables | undefined;
  const settings: Record<string, string> = {};
  for (const name of Object.keys(NAMES)) {
    const value = variables?.[name];
    if (value === undefined || value === null || value === "") continue;
    // A number or a list would be no limit at all if it were passed over.
    if (typeof value !== "string") throw new SettingError(name, `text, got ${typeof value}`);
    settings[name] = value;
  }
  return settings;
}

let current: { readonly key: string; readonly proxy: UploadProxy } | undefined;

/** The proxy for the settings, made once for the same ones: it holds keys and tokens. */
function proxyFor(settings: WorkerSettings): UploadProxy {
  const key = JSON.stringify(settings);
  if (current?.key !== key) current = { key, proxy: createUploadProxy(proxyOptions(settings)) };
  return current.proxy;
}

/**
 * What Cloudflare Workers, `deno serve` and Bun call; a server on `node:http` does with `process.env` and with what it
 * {@linkcode ServerMeans | can do beside answering}.
 */
const worker: {
  fetch(request: Request, bindings?: unknown, means?: ServerMeans | object): Promise<Response>;
} = {
  async fetch(request, bindings, means) {
    try {
      return await proxyFor(environment(bindings)).fetch(request, means);
    } catch (error) {
      // Which setting it is, is for those who read the log.
      const known = error instanceof SettingError ? error : undefined;
      console.error(JSON.stringify({
        event: "misconfigured",
        setting: known?.setting,
        error: known?.message ?? (error as Error)?.name,
      }));
      return errorResponse(
        new HttpError(500, "misconfigured", "The upload proxy is not set up; its log says why"),
      );
    }
  },
};
export default worker;
