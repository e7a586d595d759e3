// What the tests of the front for the IETF's resumable uploads share.

import { assert, assertEquals } from "@std/assert";
import type { UploadGrant } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { bearer, type Setup, UPLOAD } from "./support.ts";

export { Q, sample } from "./tus_support.ts";

/** What a request is made of. */
export interface Ask {
  readonly headers?: Record<string, string> | undefined;
  readonly body?: BodyInit | undefined;
  /** Whether a `Content-Length` comes with the body. The default is that it does. */
  readonly isChunked?: boolean | undefined;
  /** `Upload-Draft-Interop-Version`; `null` for none. */
  readonly version?: number | null | undefined;
  readonly informational?: ((status: number, headers: Headers) => void) | undefined;
}

/** What has a proxy. */
export type HasProxy = Pick<Setup, "proxy">;

/** Sends a request as a client of the protocol does; `true` and `false` stand for `Upload-Complete` or what the version has for it. */
export async function send(
  { proxy }: HasProxy,
  method: string,
  url: string,
  isComplete: boolean | undefined,
  { headers, body, isChunked = false, version = 8, informational }: Ask = {},
): Promise<Response> {
  const length = body instanceof Uint8Array ? body.length : body === undefined ? 0 : undefined;
  const name = version === 3 ? "upload-incomplete" : "upload-complete";
  return await proxy.fetch(
    new Request(url, {
      method,
      headers: {
        ...(version !== null && { "upload-draft-interop-version": String(version) }),
        ...(isComplete !== undefined && { [name]: isComplete !== (version === 3) ? "?1" : "?0" }),
        ...(length !== undefined && !isChunked && method !== "HEAD" && method !== "GET" &&
          { "content-length": String(length) }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      ...(body instanceof ReadableStream && { duplex: "half" }),
    } as RequestInit),
    { informational },
  );
}

/** What a creation is made of. */
export interface Creation extends Ask {
  /** The ticket's grant; `null` for no ticket. */
  readonly grant?: UploadGrant | null | undefined;
  readonly query?: string | undefined;
  /** The default is `POST`. */
  readonly method?: string | undefined;
}

/** Creates an upload; the ticket allows the object `a`. */
export async function create(
  setup: HasProxy,
  isComplete: boolean,
  { grant = { name: "a" }, query = "", method = "POST", headers, ...ask }: Creation = {},
): Promise<Response> {
  const ticket = grant && { authorization: await bearer(grant) };
  return await send(setup, method, UPLOAD + query, isComplete, {
    ...ask,
    headers: { ...ticket, ...headers },
  });
}

/** The URL of a new upload without bytes. */
export async function created(setup: HasProxy, creation: Creation = {}): Promise<string> {
  const reply = await create(setup, false, creation);
  if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
  return reply.headers.get("location")!;
}

/** Appends bytes. */
export async function append(
  setup: HasProxy,
  url: string,
  offset: number,
  isComplete: boolean,
  body?: BodyInit,
  ask: Ask = {},
): Promise<Response> {
  return await send(setup, "PATCH", url, isComplete, {
    ...ask,
    body,
    headers: {
      "content-type": "application/partial-upload",
      "upload-offset": String(offset),
      ...ask.headers,
    },
  });
}

/** What a reply says: `204 at 262144`, `200 at 5 complete`, `409 at 0 mismatching-upload-offset`, `400 invalid`. */
export async function told(reply: Response): Promise<string> {
  const text = await reply.text();
  const { headers, status } = reply;
  const offset = headers.get("upload-offset"), length = headers.get("upload-length");
  const isComplete = headers.get("upload-complete") === "?1" ||
    headers.get("upload-incomplete") === "?0";
  return status + (offset === null ? "" : ` at ${offset}`) +
    (length === null ? "" : ` of ${length}`) + (isComplete ? " complete" : "") +
    reasonOf(reply, text);
}

function reasonOf({ ok, headers }: Response, text: string): string {
  if (ok || text === "") return "";
  const error = JSON.parse(text);
  if (headers.get("content-type") !== "application/problem+json") {
    return ` ${error.error.errors[0].reason}`;
  }
  const [registry, type] = error.type.split("#");
  assertEquals(registry, "https://iana.org/assignments/http-problem-types");
  return ` ${type}`;
}

/** How far an upload is. */
export async function offsetOf(setup: HasProxy, url: string, ask: Ask = {}): Promise<string> {
  return await told(await send(setup, "HEAD", url, undefined, ask));
}

/** The object `a` is there and has these bytes; to show all that differ would take minutes. */
export function assertStored({ gcs }: Pick<Setup, "gcs">, bytes: Uint8Array, name = "a"): void {
  const found = gcs.get("my-bucket", name)?.bytes;
  assert(found, "there is no object");
  assertEquals(difference(found, bytes), -1, "the place of the first byte that differs");
}
