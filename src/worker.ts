/**
 * An upload proxy that is deployed as it is: `export default { fetch }` for Cloudflare Workers, Deno Deploy and Bun, set
 * up by environment variables; and {@linkcode createUploadProxy} for those who write their own worker.
 * The settings are those of {@linkcode WorkerSettings}; `docs/deploy.md` takes you to a first upload.
 *
 * @module
 */

import { metadataServerTransport, serviceAccountTransport } from "./auth/mod.ts";
import { errorResponse, HttpError } from "./proxy/http_error.ts";
import { createUploadProxy, type UploadProxy, type UploadProxyOptions } from "./proxy/proxy.ts";

export {
  createUploadProxy,
  type UploadLogEntry,
  type UploadProxy,
  type UploadProxyOptions,
} from "./proxy/proxy.ts";
export type { Transport } from "./auth/mod.ts";
export type { UploadGrant } from "./proxy/grant.ts";
export { HttpError } from "./proxy/http_error.ts";
export { signUploadTicket, type TicketOptions, type TicketSettings } from "./proxy/ticket.ts";

/** The settings of the worker: variables and secrets, all of them text. */
export interface WorkerSettings {
  /** The bucket uploads go to, unless a ticket names another. */
  GCS_BUCKET?: string;
  /** The origin of Google's API, or an emulator's in development. The default is `https://storage.googleapis.com`. */
  GCS_ENDPOINT?: string;
  /** Where Google's credentials come from: `service-account` (default), `metadata`, or `none` (emulators only). */
  GOOGLE_AUTH?: string;
  /** The key of the service account, as JSON; a secret. */
  GOOGLE_SERVICE_ACCOUNT?: string;
  /** 32 random bytes in base64url; several with commas: the first seals, all open. A secret. */
  SESSION_SECRET?: string;
  /** The HS256 secret of the upload tickets, at least 32 bytes of UTF-8; a secret. */
  TICKET_SECRET?: string;
  /** Where the public keys of the upload tickets are, instead of a secret (RS256, ES256, EdDSA). */
  TICKET_JWKS_URL?: string;
  /** The `iss` that such tickets must have. */
  TICKET_ISSUER?: string;
  /** The `aud` that such tickets must have. */
  TICKET_AUDIENCE?: string;
  /** `true` lets anyone upload within the limits, instead of tickets; for demos. */
  ALLOW_ANONYMOUS?: string;
  /** The exact origins of pages that may use the proxy, with commas. */
  ALLOWED_ORIGINS?: string;
  /** The media types that may be uploaded, with commas, such as `image/*`. The default is any. */
  ALLOWED_CONTENT_TYPES?: string;
  /** The most bytes of an object. The default is Google's limit, 5 TiB. */
  MAX_UPLOAD_BYTES?: string;
  /** The most bytes of a request. The default is 104857600, 100 MiB. */
  MAX_CHUNK_BYTES?: string;
  /** How long an upload can go on, in seconds. The default is Google's limit, 604800, 7 days. */
  SESSION_TTL_SECONDS?: string;
  /** The origin under which clients reach the proxy, where something in between changes it. */
  PUBLIC_ORIGIN?: string;
}

const NAMES: Record<keyof WorkerSettings, true> = {
  ALLOWED_CONTENT_TYPES: true,
  ALLOWED_ORIGINS: true,
  ALLOW_ANONYMOUS: true,
  GCS_BUCKET: true,
  GCS_ENDPOINT: true,
  GOOGLE_AUTH: true,
  GOOGLE_SERVICE_ACCOUNT: true,
  MAX_CHUNK_BYTES: true,
  MAX_UPLOAD_BYTES: true,
  PUBLIC_ORIGIN: true,
  SESSION_SECRET: true,
  SESSION_TTL_SECONDS: true,
  TICKET_AUDIENCE: true,
  TICKET_ISSUER: true,
  TICKET_JWKS_URL: true,
  TICKET_SECRET: true,
};

/**
 * The options that settings mean.
 *
 * @throws {TypeError} a setting is missing or malformed; the message names it
 */
export function proxyOptions(settings: WorkerSettings): UploadProxyOptions {
  return {
    transport: transportOf(settings),
    sessionSecrets: listOf(required(settings, "SESSION_SECRET")),
    ...authorizationOf(settings),
    bucket: settings.GCS_BUCKET,
    endpoint: settings.GCS_ENDPOINT,
    maxUploadBytes: numberOf(settings, "MAX_UPLOAD_BYTES"),
    maxChunkBytes: numberOf(settings, "MAX_CHUNK_BYTES"),
    contentTypes: settings.ALLOWED_CONTENT_TYPES === undefined
      ? undefined
      : listOf(settings.ALLOWED_CONTENT_TYPES),
    sessionTtl: numberOf(settings, "SESSION_TTL_SECONDS"),
    allowedOrigins: listOf(settings.ALLOWED_ORIGINS ?? ""),
    publicOrigin: settings.PUBLIC_ORIGIN,
    log: (entry) => console.log(JSON.stringify(entry)),
  };
}

function transportOf(settings: WorkerSettings): UploadProxyOptions["transport"] {
  const { GOOGLE_AUTH: kind = "service-account", GCS_ENDPOINT: endpoint } = settings;
  // A malformed one is named where the proxy is made.
  const origins = endpoint !== undefined && URL.canParse(endpoint)
    ? [new URL(endpoint).origin]
    : undefined;
  if (kind === "service-account") {
    return serviceAccountTransport(required(settings, "GOOGLE_SERVICE_ACCOUNT"), { origins });
  }
  if (kind === "metadata") return metadataServerTransport({ origins });
  if (kind !== "none") {
    throw new TypeError(
      `GOOGLE_AUTH: expected service-account, metadata or none, got ${JSON.stringify(kind)}`,
    );
  }
  if (endpoint === undefined) {
    throw new TypeError(
      "GOOGLE_AUTH: expected credentials, since GCS_ENDPOINT is Google's, got none",
    );
  }
  return (input, init) => fetch(input, init);
}

/** Nothing is open by default. */
function authorizationOf(
  settings: WorkerSettings,
): Pick<UploadProxyOptions, "tickets" | "authorize"> {
  const { ALLOW_ANONYMOUS: anonymous, TICKET_SECRET: secret, TICKET_JWKS_URL: jwksUrl } = settings;
  if (anonymous !== undefined && anonymous !== "true" && anonymous !== "false") {
    throw new TypeError(
      `ALLOW_ANONYMOUS: expected true or false, got ${JSON.stringify(anonymous)}`,
    );
  }
  const given = [
    anonymous === "true" && "ALLOW_ANONYMOUS",
    secret && "TICKET_SECRET",
    jwksUrl && "TICKET_JWKS_URL",
  ].filter(Boolean);
  if (given.length > 1) {
    throw new TypeError(`Expected one of ${given.join(" and ")}, got ${given.length}`);
  }
  if (anonymous === "true") return { authorize: () => ({ subject: "anonymous", prefix: "" }) };
  if (secret) return { tickets: { secret } };
  if (!jwksUrl) {
    throw new TypeError(
      "Expected TICKET_SECRET or TICKET_JWKS_URL, got neither: nobody may upload",
    );
  }
  if (!URL.canParse(jwksUrl)) {
    throw new TypeError("TICKET_JWKS_URL: expected a URL, got something else");
  }
  const [issuer, audience] = [
    required(settings, "TICKET_ISSUER"),
    required(settings, "TICKET_AUDIENCE"),
  ];
  return { tickets: { jwksUrl, issuer, audience } };
}

function required(settings: WorkerSettings, name: keyof WorkerSettings): string {
  const value = settings[name];
  if (!value) throw new TypeError(`${name}: expected a value, got none`);
  return value;
}

function numberOf(settings: WorkerSettings, name: keyof WorkerSettings): number | undefined {
  const value = settings[name];
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) {
    throw new TypeError(`${name}: expected a whole number, got ${JSON.stringify(value)}`);
  }
  return Number(value);
}

function listOf(value: string): string[] {
  return value.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** What the runtimes that have their environment in a global have there. */
interface Runtime {
  readonly Deno?: { readonly env: { get(name: string): string | undefined } };
  readonly Bun?: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** The environment of this runtime: Cloudflare hands it in, Deno and Bun have it. */
function environment(bindings: unknown): WorkerSettings {
  const { Deno: deno, Bun: bun } = globalThis as Runtime;
  const given = bun?.env ?? bindings as Readonly<Record<string, unknown>> | undefined;
  const read = (name: string): unknown => deno ? deno.env.get(name) : given?.[name];
  const entries = Object.keys(NAMES).map((name) => [name, read(name)]).filter(([, value]) =>
    typeof value === "string" && value !== ""
  );
  return Object.fromEntries(entries);
}

let current: { readonly key: string; readonly proxy: UploadProxy } | undefined;

/** The proxy for the settings, made once for the same ones: it holds keys and tokens. */
function proxyFor(settings: WorkerSettings): UploadProxy {
  const key = JSON.stringify(settings);
  if (current?.key !== key) current = { key, proxy: createUploadProxy(proxyOptions(settings)) };
  return current.proxy;
}

/** What Cloudflare Workers, `deno serve` and Bun call. */
const worker: { fetch(request: Request, bindings?: unknown): Promise<Response> } = {
  async fetch(request, bindings) {
    try {
      return await proxyFor(environment(bindings)).fetch(request);
    } catch (error) {
      const message = error instanceof TypeError ? error.message : "The settings cannot be read";
      console.error(JSON.stringify({ event: "misconfigured", error: message }));
      return errorResponse(
        new HttpError(500, "misconfigured", `The upload proxy is not set up: ${message}`),
      );
    }
  },
};
export default worker;
