// What the tests of the tus front share.

import type { UploadGrant } from "../../src/worker.ts";
import { bearer, type Setup, UPLOAD } from "./support.ts";

/** Google's quantum. */
export const Q = 262_144;

/** What a request of a tus client is made of. */
export interface TusAsk {
  readonly headers?: Record<string, string> | undefined;
  readonly body?: BodyInit | undefined;
  /** Whether a `Content-Length` comes with the body, as from a client that knows it. The default is that it does. */
  readonly isChunked?: boolean | undefined;
}

/** Sends a request as a tus client does. */
export async function tus(
  { proxy }: Pick<Setup, "proxy">,
  method: string,
  url: string,
  { headers, body, isChunked = false }: TusAsk = {},
): Promise<Response> {
  const length = body instanceof Uint8Array ? body.length : undefined;
  return await proxy.fetch(
    new Request(url, {
      method,
      headers: {
        "tus-resumable": "1.0.0",
        ...(length !== undefined && !isChunked && { "content-length": String(length) }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      ...(body instanceof ReadableStream && { duplex: "half" }),
    } as RequestInit),
  );
}

/** Base64 of UTF-8. */
export const base64 = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** `Upload-Metadata` with these values. */
export const metadata = (values: Record<string, string>): string =>
  Object.entries(values).map(([key, value]) => `${key} ${base64(value)}`).join(",");

/** What a creation is made of. */
export interface Creation extends TusAsk {
  readonly grant?: UploadGrant | null;
  readonly query?: string;
}

/** Creates an upload; without an `Upload-Length` among the headers its length is deferred. */
export async function create(
  setup: Pick<Setup, "proxy">,
  { grant = { name: "a" }, query = "", headers = {}, ...ask }: Creation = {},
): Promise<Response> {
  return await tus(setup, "POST", UPLOAD + query, {
    ...ask,
    headers: {
      ...(grant && { authorization: await bearer(grant) }),
      ...(!("upload-length" in headers) && { "upload-defer-length": "1" }),
      ...headers,
    },
  });
}

/** The URL of a new upload of so many bytes; of a deferred length without. */
export async function created(
  setup: Pick<Setup, "proxy">,
  size?: number,
  creation: Creation = {},
): Promise<string> {
  const headers = { ...(size !== undefined && { "upload-length": String(size) }) };
  const reply = await create(setup, { ...creation, headers: { ...headers, ...creation.headers } });
  if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
  return reply.headers.get("location")!;
}

/** Sends bytes to an upload. */
export async function patch(
  setup: Pick<Setup, "proxy">,
  url: string,
  offset: number,
  body: BodyInit | undefined,
  ask: TusAsk = {},
): Promise<Response> {
  const headers = {
    "content-type": "application/offset+octet-stream",
    "upload-offset": `${offset}`,
  };
  return await tus(setup, "PATCH", url, { ...ask, body, headers: { ...headers, ...ask.headers } });
}

/** What a reply says of an upload: `204 at 262144`, `200 at 5 of 9`, and the words of an error after its status. */
export async function told(reply: Response): Promise<string> {
  const text = await reply.text();
  const offset = reply.headers.get("upload-offset");
  const length = reply.headers.get("upload-length");
  const words = reply.ok || text === "" ? "" : ` ${JSON.parse(text).error.message}`;
  return reply.status + (offset === null ? "" : ` at ${offset}`) +
    (length === null ? "" : ` of ${length}`) + words;
}

/** How far an upload is. */
export async function offsetOf(setup: Pick<Setup, "proxy">, url: string): Promise<string> {
  return await told(await tus(setup, "HEAD", url));
}

/** Bytes that are not all the same. */
export function sample(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size); // a callback for each byte would take long
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8)) & 255;
  return bytes;
}
