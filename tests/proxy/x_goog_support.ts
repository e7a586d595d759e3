// What the tests of the X-Goog-Upload front and of the Gemini backend share.

import type { GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { geminiFiles, type UploadGrant, type UploadProxyOptions } from "../../src/worker.ts";
import { bearer, ORIGIN, type Setup, setup, UPLOAD } from "./support.ts";

/** Gemini's granularity. */
export const G: number = 8 * 1024 * 1024;
export const GEMINI_KEY = "the-key-of-the-gemini-api";
export const GEMINI: string = `${ORIGIN}/upload/v1beta/files`;

/** A request to Gemini. */
export interface SentToGemini {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
}

/** A proxy with both backends. */
export interface GeminiSetup extends Setup {
  readonly toGemini: readonly SentToGemini[];
}

/** Sets up a proxy with Cloud Storage and Gemini behind it, which are one emulator. */
export function geminiSetup(
  options: Partial<UploadProxyOptions> = {},
  emulator: GcsEmulatorOptions = {},
): GeminiSetup {
  const toGemini: SentToGemini[] = [];
  const gemini = geminiFiles({
    apiKey: GEMINI_KEY,
    fetch: (url, init) => {
      const { method = "", headers } = init;
      toGemini.push({ url: String(url), method, headers: new Headers(headers) });
      return context.gcs.fetch(url, init);
    },
  });
  const context: Setup = setup({ backends: [gemini], ...options }, emulator);
  return { ...context, toGemini };
}

/** What a request is made of. */
export interface XGoogAsk {
  readonly offset?: number | undefined;
  readonly body?: BodyInit | undefined;
  readonly headers?: Record<string, string>;
  /** Whether a body comes without a `Content-Length`. */
  readonly isChunked?: boolean;
}

/** Sends a command. */
export async function command(
  { proxy }: Pick<Setup, "proxy">,
  url: string,
  words: string,
  { offset, body, headers, isChunked = false }: XGoogAsk = {},
): Promise<Response> {
  const length = body instanceof Uint8Array ? body.length : undefined;
  return await proxy.fetch(
    new Request(url, {
      method: "POST",
      headers: {
        "x-goog-upload-command": words,
        ...(offset !== undefined && { "x-goog-upload-offset": String(offset) }),
        ...(length !== undefined && !isChunked && { "content-length": String(length) }),
        ...headers,
      },
      body: isChunked && body instanceof Uint8Array
        ? new Blob([body as Uint8Array<ArrayBuffer>]).stream()
        : body ?? null,
      ...((isChunked || body instanceof ReadableStream) && { duplex: "half" }),
    } as RequestInit),
  );
}

/** What a start is made of. */
export interface XGoogStart {
  readonly grant?: UploadGrant | null;
  /** Where it goes; Cloud Storage by default. */
  readonly to?: string;
  readonly query?: string;
  readonly size?: number;
  readonly metadata?: unknown;
  readonly headers?: Record<string, string>;
}

/** Starts an upload. */
export async function begin(
  context: Pick<Setup, "proxy">,
  { to = UPLOAD, query, size, metadata, headers, grant }: XGoogStart = {},
): Promise<Response> {
  const isGemini = to === GEMINI;
  const search = query ?? (isGemini ? "" : "?name=a");
  const granted = grant === undefined
    ? { prefix: "", ...(isGemini && { backend: "gemini" }) }
    : grant;
  return await command(context, to + search, "start", {
    body: metadata === undefined ? undefined : JSON.stringify(metadata),
    headers: {
      "x-goog-upload-protocol": "resumable",
      ...(size !== undefined && { "x-goog-upload-header-content-length": String(size) }),
      ...(granted && { authorization: await bearer(granted) }),
      ...headers,
    },
  });
}

/** The URL of a new session. */
export async function begun(
  context: Pick<Setup, "proxy">,
  options: XGoogStart = {},
): Promise<string> {
  const reply = await begin(context, options);
  if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`);
  return reply.headers.get("x-goog-upload-url")!;
}

/** What a reply says: `200 active at 262144`, `400 active: words`. */
export async function said(reply: Response): Promise<string> {
  const text = await reply.text();
  const { headers } = reply;
  const at = headers.get("x-goog-upload-size-received");
  const words = reply.ok || text === "" ? "" : `: ${JSON.parse(text).error.message}`;
  return `${reply.status} ${headers.get("x-goog-upload-status")}` +
    (at === null ? "" : ` at ${at}`) + words;
}

/** The same without the words. */
export async function stands(reply: Response): Promise<string> {
  return (await said(reply)).replace(/:.*/s, "");
}

/** The longest sample so far; making one of 8 MiB takes a while. */
let longest: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Bytes that are not all the same; a longer sample begins with a shorter one. */
export function sample(size: number): Uint8Array<ArrayBuffer> {
  if (longest.length < size) {
    longest = new Uint8Array(size);
    for (let at = 0; at < size; at++) longest[at] = (at * 31 + (at >> 8)) & 255;
  }
  return longest.subarray(0, size);
}
