/** Gemini's Files API as the place where bytes go: the proxy adds the key, and nothing but uploads passes. */

import type { Transport } from "../../net/transport.ts";
import { isMediaType } from "../../protocol/media_type.ts";
import { xGoogUpload } from "../../protocol/x_goog_upload.ts";
import type { Backend, FileDescription } from "../backend.ts";
import { isRecord } from "../grant.ts";
import { badRequest, quote } from "../http_error.ts";
import type { FinishedObject } from "../outcome.ts";
import { apiBackend } from "./api.ts";

/** Options of {@linkcode geminiFiles}. */
export interface GeminiFilesOptions {
  /** The key of the Gemini API; a secret. */
  readonly apiKey: string;
  /**
   * The origin of the Gemini API.
   *
   * @default {"https://generativelanguage.googleapis.com"}
   */
  readonly endpoint?: string | undefined;
  /** Sends all requests: those that start uploads with the key, others without. The default is `fetch`. */
  readonly fetch?: Transport | undefined;
}

/** 8 MiB, as the API and both of Google's clients have it. */
const GRANULARITY = 8_388_608;

/** 2 GB, the most that the API takes. */
const MAX_BYTES = 2_147_483_648;

/**
 * The backend `gemini`: uploads to `/upload/v1beta/files` of the proxy become files of the Gemini API, whose key the client
 * never sees. A ticket for it says `backend: "gemini"`, and bounds the display name (`object`, `prefix`), media type and size.
 * Its client is Google's own (`@google/genai` with the ticket as its `apiKey` and the proxy as its `baseUrl`), or any other
 * that the proxy understands. Nothing else of the API can be reached through it.
 *
 * @throws {TypeError} the key is missing or cannot be a header, or the endpoint is no origin
 *
 * @example
 * ```ts
 * import { createUploadProxy, geminiFiles } from "@resumable-media/upload/worker";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const google = new GcsEmulator();
 * const uris: (string | undefined)[] = [];
 * const proxy = createUploadProxy({
 *   backends: [geminiFiles({ apiKey: "a-key", fetch: google.fetch })], // leave `fetch` out to reach Google
 *   sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"], // not this: 32 random bytes of your own
 *   authorize: () => ({ backend: "gemini", prefix: "", maxBytes: 1_000_000, contentTypes: ["text/plain"] }),
 *   onFinish: ({ uri }) => void uris.push(uri),
 * });
 * const reply = await proxy.fetch(
 *   new Request("https://proxy.example/upload/v1beta/files", {
 *     method: "POST",
 *     headers: { "x-goog-upload-protocol": "raw", "content-type": "text/plain" },
 *     body: "hello",
 *   }),
 * );
 * console.log((await reply.json()).file.uri === uris[0]); // true
 * ```
 */
export function geminiFiles(options: GeminiFilesOptions): Backend {
  const unknown = Object.keys(options).find((name) =>
    !["apiKey", "endpoint", "fetch"].includes(name)
  );
  if (unknown !== undefined) {
    throw new TypeError(`geminiFiles: the option ${quote(unknown)} is not known`);
  }
  const { apiKey, endpoint = "https://generativelanguage.googleapis.com" } = options;
  if (typeof apiKey !== "string" || !/^[\x21-\x7e]{1,512}$/.test(apiKey)) {
    throw new TypeError("geminiFiles: expected the API key, of visible ASCII characters");
  }
  if (!URL.canParse(endpoint) || new URL(endpoint).origin !== endpoint.replace(/\/$/, "")) {
    throw new TypeError("geminiFiles: expected the endpoint to be an origin");
  }
  const { origin } = new URL(endpoint);
  const send: Transport = options.fetch ?? ((input, init) => fetch(input, init));
  return apiBackend({
    name: "gemini",
    path: /^(?:\/resumable)?\/upload\/v1(?:beta)?\/files\/?$/,
    url: `${origin}/upload/v1beta/files`,
    protocol: xGoogUpload,
    transport: (url, init) => {
      const headers = new Headers(init.headers);
      headers.set("x-goog-api-key", apiKey);
      return send(url, { ...init, headers });
    },
    fetch: send,
    granularity: GRANULARITY,
    maxBytes: MAX_BYTES,
    describe,
    metadata: ({ name, contentType }) => ({
      file: { ...(name !== "" && { displayName: name }), mimeType: contentType },
    }),
    read: (result) => readFile(result.file, apiKey),
  });
}

/** What a client may say of a file, in both spellings of the API. The others are set by the API, or name the file's ID. */
const FIELDS: Readonly<Record<string, keyof FileDescription>> = {
  displayName: "name",
  display_name: "name",
  mimeType: "contentType",
  mime_type: "contentType",
  sizeBytes: "size",
  size_bytes: "size",
};

function describe(metadata: Readonly<Record<string, unknown>>): FileDescription {
  const unknown = Object.keys(metadata).find((field) => field !== "file");
  const { file = {} } = metadata;
  if (unknown !== undefined || !isRecord(file)) {
    throw badRequest(
      `Expected metadata such as {"file": {"displayName": …}}, got ${quote(unknown ?? "file")}`,
      "invalidParameter",
    );
  }
  const described: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(file)) {
    const meaning = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (meaning === undefined) {
      throw badRequest(
        `The field ${quote(field)} of a file is not allowed here`,
        "invalidParameter",
      );
    }
    if (meaning in described) throw badRequest(`The field ${quote(field)} is there twice`);
    described[meaning] = meaning === "size" ? sizeOf(value) : value;
  }
  return described;
}

/** Google's client says the size as text. */
function sizeOf(value: unknown): number {
  if (!/^\d{1,15}$/.test(String(value))) throw badRequest("sizeBytes: expected a number of bytes");
  return Number(value);
}

const text = (pattern: RegExp) => (value: unknown): boolean =>
  typeof value === "string" && pattern.test(value);
const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/);

/** The fields of a file that may be told, and what each must be. */
const TOLD: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: text(/^files\/[\w.-]{1,128}$/),
  displayName: text(/^\P{Cc}{0,1024}$/u),
  mimeType: isMediaType,
  sizeBytes: text(/^\d{1,15}$/),
  createTime: time,
  updateTime: time,
  expirationTime: time,
  sha256Hash: text(/^[A-Za-z0-9+/]{1,128}={0,2}$/),
  uri: text(/^https?:\/\/[\w.:-]+\/[\w./-]{1,512}$/),
  state: text(/^[A-Z_]{1,32}$/),
  source: text(/^[A-Z_]{1,32}$/),
};

function readFile(value: unknown, apiKey: string): Omit<FinishedObject, "bucket"> | undefined {
  if (!isRecord(value)) return undefined;
  const file: Record<string, unknown> = {};
  for (const [field, isValid] of Object.entries(TOLD)) {
    const said = Object.hasOwn(value, field) ? value[field] : undefined;
    if (isValid(said) && !String(said).includes(apiKey)) file[field] = said;
  }
  const { name, uri, mimeType, sizeBytes } = file as Readonly<Record<string, string | undefined>>;
  if (name === undefined || sizeBytes === undefined) return undefined;
  return { name, uri, size: Number(sizeBytes), contentType: mimeType, resource: { file } };
}
