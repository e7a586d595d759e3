/** What the options of the proxy mean, and whether they can be. */

import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range/ranges.ts";
import { isBucketName } from "../protocol/upload_url.ts";
import { type Backend, CLOUD_STORAGE } from "./backend.ts";
import { cloudStorage } from "./backends/cloud_storage.ts";
import { Room } from "./collecting_memory.ts";
import type { Core } from "./core.ts";
import { isBackendName } from "./grant.ts";
import { isOpenable, isTypePattern } from "./policy.ts";
import { checkOrigin } from "./proxy_location.ts";
import type { UploadProxyOptions } from "./proxy_options.ts";
import { ProgressTable } from "./session_progress.ts";
import { sessionSealer } from "./session_token.ts";
import { TurnTable } from "./session_turn.ts";
import { SettingError } from "./setting_error.ts";

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
