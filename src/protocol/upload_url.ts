/** Where uploads are started: the JSON API's upload endpoint of a bucket. */

/** The three protocols of the JSON API. */
export type UploadType = "media" | "multipart" | "resumable";

/** Google's own endpoint. */
export const DEFAULT_ENDPOINT = "https://storage.googleapis.com";

/** The URL that uploads the object `name` into `bucket`; both are percent-encoded, the name whatever is in it. */
export function uploadUrl(endpoint: string, bucket: string, name: string): string {
  checkBucketName(bucket);
  checkObjectName(name);
  return `${endpoint.replace(/\/+$/, "")}/upload/storage/v1/b/${bucket}/o?name=${
    encodeURIComponent(name)
  }`;
}

// Expressions, since a `URLSearchParams` takes twenty times as long in Bun, which small uploads notice.
const UPLOAD_TYPE = /^[^#]*?[?&]uploadType(?:=([^&#]*))?(?:[&#]|$)/;
const SIGNED = /^[^#]*?[?&](?:x-goog-)?signature(?:[=&#]|$)/i;
const GENERATION = /^[^#]*?[?&]ifGenerationMatch(?:[=&#]|$)/;
const STORAGE = /^[^?#]*\/upload\/storage\/v1\/b\/[^/?#]+\/o\/?(?:[?#]|$)/;
const SESSION = /^[^#]*?[?&]upload_id(?:[=&#]|$)/;

/** Names of parameters may be encoded, although nobody needs to. */
const ENCODED_NAME = /[?&][^=&#]*%/;

/** The URL with the names of its parameters as they are read. */
function plainNames(url: string): string {
  if (!url.includes("%") || !ENCODED_NAME.test(url)) return url; // the first is cheap, and most often true
  const plain = new URL(url);
  plain.search = new URLSearchParams(plain.search).toString();
  return plain.href;
}

/** The upload type of a start URL: what its query says, `resumable` when it is signed, `undefined` when it is open. */
export function uploadTypeOf(url: string): UploadType | undefined {
  const match = UPLOAD_TYPE.exec(plainNames(url));
  if (!match) return signatureOf(url) ? "resumable" : undefined;
  const [, type = ""] = match;
  if (type === "media" || type === "multipart" || type === "resumable") return type;
  throw new RangeError(
    `url: expected uploadType media, multipart or resumable, got ${JSON.stringify(type)}`,
  );
}

/** Whether a URL is that of a session: where an upload goes on, not where one is started. */
export function isSessionUrl(url: string): boolean {
  return SESSION.test(plainNames(url));
}

/** Where a session may have been started: its URL without what makes it one. Google's session URLs repeat the start's query. */
export function startUrlOf(sessionUrl: string): string {
  const url = new URL(sessionUrl);
  for (const name of ["upload_id", "upload_protocol"]) url.searchParams.delete(name);
  return url.href;
}

/** Whether a URL asks for a generation of the object. */
export function hasGenerationMatch(url: string): boolean {
  return GENERATION.test(plainNames(url));
}

/** Whether uploads to Cloud Storage are started at a URL of its JSON API. */
export function isStorageStart(url: string): boolean {
  return STORAGE.test(url);
}

/** What a signed URL allows. */
export interface Signature {
  /** The names of the headers that must be sent as they were signed, in lower case; `undefined` where the URL does not say. */
  readonly headers: readonly string[] | undefined;
}

/**
 * The signature of a signed URL, of version 4 or 2; `undefined` for a URL that is not signed. Signed URLs belong to the XML
 * API.
 */
export function signatureOf(url: string): Signature | undefined {
  if (!SIGNED.test(plainNames(url))) return undefined;
  const query = new Map(
    [...new URL(url).searchParams].map(([name, value]) => [name.toLowerCase(), value]),
  );
  const headers = query.get("x-goog-signedheaders");
  const isV4 = query.has("x-goog-signature");
  return { headers: isV4 ? (headers ?? "").toLowerCase().split(";") : undefined };
}

/** The value of a query parameter, decoded; `undefined` where there is none. */
export function parameterOf(url: string, name: string): string | undefined {
  if (!url.includes(name) && !ENCODED_NAME.test(url)) return undefined;
  return new URL(url).searchParams.get(name) ?? undefined;
}

/** What a start URL of Cloud Storage's JSON API, or of Firebase's, speaks of. */
export interface StorageTarget {
  /** What comes before the API's own path: an origin, perhaps with a proxy's prefix. */
  readonly base: string;
  /** The path of the API where objects are read. */
  readonly api: "/storage/v1" | "/v0";
  readonly bucket: string;
  /** The object's name, where the URL has it. */
  readonly name: string | undefined;
}

const STORAGE_PATH = /^(.*?)\/(?:(?:resumable\/)?upload\/storage\/v1|v0)\/b\/([^/]+)\/o\/?$/;

/** What a start URL of Cloud Storage's JSON API, or of Firebase's, speaks of; `undefined` for another URL. */
export function storageTargetOf(url: string): StorageTarget | undefined {
  const api = url.includes("/upload/storage/v1/b/") ? "/storage/v1" : "/v0";
  if (api === "/v0" && !url.includes("/v0/b/")) return undefined;
  const { origin, pathname, searchParams } = new URL(url);
  const match = STORAGE_PATH.exec(pathname);
  if (!match) return undefined;
  const [, prefix, bucket] = match;
  return { base: origin + prefix, api, bucket, name: searchParams.get("name") ?? undefined };
}

/** The URL with one more query parameter, the rest of it untouched. */
export function withParameter(url: string, name: string, value: string): string {
  const hash = url.indexOf("#");
  const address = hash < 0 ? url : url.slice(0, hash);
  const fragment = hash < 0 ? "" : url.slice(hash);
  const isOpen = address.endsWith("?") || address.endsWith("&");
  const separator = isOpen ? "" : address.includes("?") ? "&" : "?";
  return `${address}${separator}${name}=${encodeURIComponent(value)}${fragment}`;
}

/** Whether a bucket can be called so ({@link https://cloud.google.com/storage/docs/buckets#naming}). */
export function isBucketName(name: unknown): name is string {
  return typeof name === "string" && /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name);
}

function checkBucketName(bucket: string): void {
  if (!isBucketName(bucket)) {
    throw new RangeError(
      `bucket: expected 3 to 222 of a-z, 0-9, ".", "_" and "-", a letter or digit at both ends, got ${
        show(bucket)
      }`,
    );
  }
}

function checkObjectName(name: string): void {
  const expected = typeof name === "string" ? expectedOfName(name) : "a string";
  if (expected) throw new RangeError(`name: expected ${expected}, got ${show(name)}`);
}

/**
 * What is expected of an object's name, and this one is not; `undefined` for a legal name
 * ({@link https://cloud.google.com/storage/docs/objects#naming}).
 */
export function expectedOfName(name: string): string | undefined {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > 1024) return "1 to 1024 bytes of UTF-8";
  if (/[\r\n]/.test(name)) return "no carriage return and no line feed";
  if (name === "." || name === "..") return 'neither "." nor ".."';
  if (name.startsWith(".well-known/acme-challenge/")) {
    return 'no name below ".well-known/acme-challenge/"';
  }
  if (/\p{Surrogate}/u.test(name)) return "well-formed Unicode";
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? String(value);
}
