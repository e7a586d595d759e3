/** The options of the proxy. */

import type { Transport } from "../net/transport.ts";
import type { Backend } from "./backend.ts";
import type { UploadGrant } from "./grant.ts";
import type { UploadHooks } from "./hooks.ts";
import { quote } from "./http_error.ts";
import type { UploadLogEntry } from "./log.ts";
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
