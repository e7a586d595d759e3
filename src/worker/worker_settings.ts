/** The settings of the worker, and what each of them means. */

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

/** The names of all settings. */
export const SETTING_NAMES: Record<keyof WorkerSettings, true> = {
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
