/**
 * The options of the emulator.
 *
 * @module
 */

import { oneOf, onlyKnown } from "./option_checks.ts";
import { isBucketName } from "./storage/names.ts";

/** Which browsers may use the emulator. As Google, a session answers only the `Origin` that started it. */
export interface CorsOptions {
  /** Exact origins such as `https://app.example`, or `*` for any. */
  readonly origins: readonly string[];
  /**
   * Header names that a browser may send and read, as `responseHeader` of a bucket's CORS settings.
   *
   * @default every header that a browser client of the protocol needs
   */
  readonly responseHeaders?: readonly string[] | undefined;
  /**
   * How long a browser may remember the answer to a preflight, in seconds.
   *
   * @default 3600
   */
  readonly maxAge?: number | undefined;
}

/** Options of {@linkcode GcsEmulator}. */
export interface GcsEmulatorOptions {
  /**
   * The origin written into `Location`, `selfLink` and `mediaLink`, such as `https://storage.example`.
   *
   * @default the origin of each request's URL
   */
  readonly origin?: string | undefined;
  /**
   * The buckets that exist.
   *
   * @default every valid bucket name exists
   */
  readonly buckets?: Iterable<string> | undefined;
  /**
   * `"keep"` keeps the bytes of all objects in memory. `"discard"` counts and hashes them only, for
   * uploads larger than memory; reading such an object back is answered with an error that says so.
   *
   * @default "keep"
   */
  readonly store?: "keep" | "discard" | undefined;
  /**
   * Whether MD5 is computed. Without it, `md5Hash` and `X-Range-MD5` are absent, a declared MD5 is not
   * compared, and large uploads are faster.
   *
   * @default true
   */
  readonly md5?: boolean | undefined;
  /**
   * Whether a 308 carries `X-Goog-Running-Hash` and `X-Range-MD5`, which Google sends but does not
   * document.
   *
   * @default true
   */
  readonly runningHash?: boolean | undefined;
  /**
   * Whether `X-GUploader-No-308: yes` is ignored, as by servers that do not know it: they answer 308 all the same.
   *
   * @default false
   */
  readonly ignoreNo308?: boolean | undefined;
  /**
   * Whether the `Range` of a 308 is `0-41` instead of `bytes=0-41`, as in an old template of Google's.
   *
   * @default false
   */
  readonly bareRange?: boolean | undefined;
  /**
   * Whether a part of a multipart upload may come without `Content-Length`, in chunked transfer coding. S3 answers 411; what
   * Google does is not documented for parts, but a whole object may come so.
   *
   * @default true
   */
  readonly chunkedParts?: boolean | undefined;
  /**
   * What chunks of `X-Goog-Upload` have to be a multiple of, in bytes; `null`: of nothing, and the header
   * `X-Goog-Upload-Chunk-Granularity` is absent.
   *
   * @default 262_144 (256 KiB), and 8_388_608 (8 MiB) for Gemini
   */
  readonly granularity?: number | null | undefined;
  /**
   * What a query of a finished `X-Goog-Upload` session says: the result once more, or only its size.
   *
   * @default "result", and "size" for Firebase
   */
  readonly finalQuery?: "result" | "size" | undefined;
  /**
   * The API keys that Gemini takes.
   *
   * @default any, but one has to be there, or an `Authorization`
   */
  readonly apiKeys?: Iterable<string> | undefined;
  /**
   * The clock: milliseconds since 1970.
   *
   * @default Date.now
   */
  readonly now?: (() => number) | undefined;
  /**
   * How injected delays are waited for: resolves after `milliseconds`, rejects with the signal's reason
   * when that is aborted.
   *
   * @default a `setTimeout` that is cleared on abort
   */
  readonly sleep?:
    | ((milliseconds: number, signal: AbortSignal | undefined) => Promise<void>)
    | undefined;
  /**
   * How long a session lives, in milliseconds. After it, requests on it get 410, and 404 when it is older
   * than a week.
   *
   * @default 604_800_000 (7 days)
   */
  readonly sessionTtl?: number | undefined;
  /**
   * The CORS settings of all buckets.
   *
   * @default any origin may do anything, on any session
   */
  readonly cors?: CorsOptions | undefined;
  /**
   * Whether a request is authorized; `false` is answered with 401. The request has no body. Not asked for
   * requests on a session, whose URL is authority enough, nor for signed URLs.
   *
   * @default everybody is
   */
  readonly authorize?: ((request: Request) => boolean | Promise<boolean>) | undefined;
  /**
   * Whether the signature of a signed URL is right; `false` is answered with 403 `SignatureDoesNotMatch`. The request has
   * no body. Whatever this says, the headers that `X-Goog-SignedHeaders` names have to be there, and no other `x-goog-*`
   * or `x-amz-*`.
   *
   * @default every signature is
   */
  readonly verifySignature?: ((request: Request) => boolean | Promise<boolean>) | undefined;
  /**
   * The seed of random faults.
   *
   * @default 1
   */
  readonly seed?: number | undefined;
}

const NAMES: readonly (keyof GcsEmulatorOptions)[] = [
  "origin",
  "buckets",
  "store",
  "md5",
  "runningHash",
  "ignoreNo308",
  "bareRange",
  "chunkedParts",
  "granularity",
  "finalQuery",
  "apiKeys",
  "now",
  "sleep",
  "sessionTtl",
  "cors",
  "authorize",
  "verifySignature",
  "seed",
];

/** Options with their defaults. */
export interface Settings {
  readonly origin: string | null;
  readonly buckets: ReadonlySet<string> | null;
  readonly keep: boolean;
  readonly md5: boolean;
  readonly runningHash: boolean;
  readonly ignoreNo308: boolean;
  readonly bareRange: boolean;
  readonly chunkedParts: boolean;
  /** `undefined`: that of the API. */
  readonly granularity: number | null | undefined;
  readonly finalQuery: "result" | "size" | undefined;
  readonly apiKeys: ReadonlySet<string> | null;
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly sessionTtl: number;
  readonly cors: CorsOptions | null;
  readonly authorize: ((request: Request) => boolean | Promise<boolean>) | null;
  readonly verifySignature: ((request: Request) => boolean | Promise<boolean>) | null;
}

/**
 * Checks options and fills in their defaults.
 *
 * @throws {TypeError} if an option is not known, or an origin or a bucket name is not valid.
 * @throws {RangeError} if a number cannot be.
 */
export function settingsOf(options: GcsEmulatorOptions): Settings {
  onlyKnown("GcsEmulator", options, NAMES);
  const { store = "keep", sessionTtl = 604_800_000, buckets } = options;
  oneOf("store", store, ["keep", "discard"]);
  if (!(sessionTtl > 0)) throw new RangeError(`sessionTtl must be positive, not ${sessionTtl}`);
  const { granularity, finalQuery } = options;
  if (granularity != null && !(Number.isSafeInteger(granularity) && granularity > 0)) {
    throw new RangeError(`granularity must be a positive integer or null, not ${granularity}`);
  }
  oneOf("finalQuery", finalQuery, ["result", "size"]);
  const names = buckets === undefined ? null : new Set(buckets);
  for (const name of names ?? []) {
    if (!isBucketName(name)) throw new TypeError(`Not a bucket name: ${JSON.stringify(name)}`);
  }
  return {
    origin: options.origin === undefined ? null : new URL(options.origin).origin,
    buckets: names,
    keep: store === "keep",
    md5: options.md5 ?? true,
    runningHash: options.runningHash ?? true,
    ignoreNo308: options.ignoreNo308 ?? false,
    bareRange: options.bareRange ?? false,
    chunkedParts: options.chunkedParts ?? true,
    granularity,
    finalQuery,
    apiKeys: options.apiKeys === undefined ? null : new Set(options.apiKeys),
    now: options.now ?? Date.now,
    sleep: options.sleep ?? sleep,
    sessionTtl,
    cors: options.cors ?? null,
    authorize: options.authorize ?? null,
    verifySignature: options.verifySignature ?? null,
  };
}

/** Waits, and leaves no timer behind. */
function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
