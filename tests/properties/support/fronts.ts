// The fronts of the proxy as their clients see them: four requests each, so that the properties of the proxy hold for all of
// them. To add a front, write a `FrontClient` and put it into `fronts`.

import type { Transport } from "../../../mod.ts";
import { RETRYABLE } from "./network.ts";

/** What a reply says of an upload, in words of no protocol. */
export type Told =
  /** So many bytes are stored, and more are wanted. */
  | { readonly kind: "stored"; readonly offset: number }
  /** The object is there. */
  | { readonly kind: "finished" }
  /** The session has ended without an object. */
  | { readonly kind: "cancelled" }
  /** Nothing is known: the network broke, or the server asks to come again. The next request asks. */
  | { readonly kind: "unknown" }
  /** Nothing helps. */
  | { readonly kind: "refused"; readonly status: number; readonly words: string };

/** Bytes for an upload. */
export interface Piece {
  /** Where they begin. */
  readonly offset: number;
  /** A multiple of 256 KiB, or the rest of the upload, of which there may be nothing left. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes of the whole upload, which is at least 1. */
  readonly total: number;
}

/**
 * A client of one front. It sends each request once, keeps nothing, and believes what the reply says: trying again and going
 * on is the business of the properties.
 */
export interface FrontClient {
  readonly name: string;
  /** Whether its session URLs are those of the other fronts, so that a request of theirs may come in between. */
  readonly sharesSessions: boolean;
  /** Starts an upload of so many bytes at the collection's URL, as the object `a`; its session URL, or what was said instead. */
  start(send: Transport, collection: string, total: number): Promise<string | Told>;
  /** Sends bytes; the last ones finish the upload. */
  append(send: Transport, url: string, piece: Piece): Promise<Told>;
  /** Asks how much is stored. */
  ask(send: Transport, url: string, total: number): Promise<Told>;
  /** Ends the session without an object. */
  cancel(send: Transport, url: string): Promise<Told>;
}

/** Sends a request; `undefined` when the network broke. */
async function sent(
  send: Transport,
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: Uint8Array<ArrayBuffer>,
): Promise<Response | undefined> {
  try {
    const reply = await send(url, { method, headers, body: body ?? null });
    return new Response(await reply.text() || null, reply);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What a reply means that is no success: whether it may pass, whether the session is gone. */
async function failure(reply: Response | undefined): Promise<Told> {
  if (!reply) return { kind: "unknown" };
  const words = await reply.text();
  const passing: readonly number[] = [...RETRYABLE, 409];
  if (passing.includes(reply.status) || words.includes("ateLimitExceeded")) {
    return { kind: "unknown" };
  }
  if ([404, 410, 499].includes(reply.status)) return { kind: "cancelled" };
  return { kind: "refused", status: reply.status, words };
}

async function google(reply: Response | undefined): Promise<Told> {
  if (reply?.status === 200 || reply?.status === 201) return { kind: "finished" };
  if (reply?.status !== 308) return await failure(reply);
  const range = reply.headers.get("range");
  return { kind: "stored", offset: range === null ? 0 : Number(range.split("-")[1]) + 1 };
}

/** Google's own protocol, `Content-Range` and 308. */
const contentRange: FrontClient = {
  name: "Google's protocol",
  sharesSessions: true,
  async start(send, collection, total) {
    const headers = { "x-upload-content-length": `${total}`, "content-length": "0" };
    const reply = await sent(send, `${collection}?uploadType=resumable&name=a`, "POST", headers);
    return reply?.headers.get("location") ?? await failure(reply);
  },
  async append(send, url, { offset, bytes, total }) {
    const end = offset + bytes.length;
    const whole = end === total ? `${total}` : "*";
    const range = bytes.length === 0 ? `*/${total}` : `${offset}-${end - 1}/${whole}`;
    return await google(await sent(send, url, "PUT", { "content-range": `bytes ${range}` }, bytes));
  },
  async ask(send, url, total) {
    return await google(await sent(send, url, "PUT", { "content-range": `bytes */${total}` }));
  },
  async cancel(send, url) {
    const reply = await sent(send, url, "DELETE", { "content-length": "0" });
    // Anything else may be the reply to a session that had finished: only asking tells.
    return reply?.status === 499 ? { kind: "cancelled" } : { kind: "unknown" };
  },
};

const TUS = { "tus-resumable": "1.0.0" };

async function tusTold(reply: Response | undefined, total: number): Promise<Told> {
  const offset = reply?.ok ? reply.headers.get("upload-offset") : null;
  if (offset === null) return await failure(reply);
  return Number(offset) === total
    ? { kind: "finished" }
    : { kind: "stored", offset: Number(offset) };
}

/** tus 1.0.0. */
const tus: FrontClient = {
  name: "tus",
  sharesSessions: true,
  async start(send, collection, total) {
    const headers = { ...TUS, "upload-length": `${total}`, "content-length": "0" };
    const reply = await sent(send, collection, "POST", headers);
    return reply?.headers.get("location") ?? await failure(reply);
  },
  async append(send, url, { offset, bytes, total }) {
    const headers = {
      ...TUS,
      "content-type": "application/offset+octet-stream",
      "upload-offset": `${offset}`,
    };
    return await tusTold(await sent(send, url, "PATCH", headers, bytes), total);
  },
  async ask(send, url, total) {
    return await tusTold(await sent(send, url, "HEAD", TUS), total);
  },
  async cancel(send, url) {
    const reply = await sent(send, url, "DELETE", { ...TUS, "content-length": "0" });
    if (reply?.status === 204) return { kind: "cancelled" };
    if (reply?.status === 403) return { kind: "finished" }; // what is finished is not deleted
    return await failure(reply);
  },
};

async function xGoogTold(reply: Response | undefined): Promise<Told> {
  const status = reply?.headers.get("x-goog-upload-status");
  if (status === "cancelled") return { kind: "cancelled" };
  if (!reply?.ok) return await failure(reply);
  if (status === "final") return { kind: "finished" };
  const offset = reply.headers.get("x-goog-upload-size-received");
  return offset === null ? { kind: "unknown" } : { kind: "stored", offset: Number(offset) };
}

/** `X-Goog-Upload`. */
const xGoogUpload: FrontClient = {
  name: "X-Goog-Upload",
  sharesSessions: true,
  async start(send, collection, total) {
    const reply = await sent(send, `${collection}?name=a`, "POST", {
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": `${total}`,
      "content-length": "0",
    });
    return reply?.headers.get("x-goog-upload-url") ?? await failure(reply);
  },
  async append(send, url, { offset, bytes, total }) {
    const commands = [
      ...(bytes.length > 0 ? ["upload"] : []),
      ...(offset + bytes.length === total ? ["finalize"] : []),
    ];
    const headers = {
      "x-goog-upload-command": commands.join(", "),
      "x-goog-upload-offset": `${offset}`,
    };
    return await xGoogTold(await sent(send, url, "POST", headers, bytes));
  },
  async ask(send, url) {
    const headers = { "x-goog-upload-command": "query", "content-length": "0" };
    return await xGoogTold(await sent(send, url, "POST", headers));
  },
  async cancel(send, url) {
    const headers = { "x-goog-upload-command": "cancel", "content-length": "0" };
    const reply = await sent(send, url, "POST", headers);
    const isOver = reply?.status === 400 && reply.headers.get("x-goog-upload-status") === "final";
    return isOver ? { kind: "finished" } : await xGoogTold(reply);
  },
};

const IETF = { "upload-draft-interop-version": "8" };

async function ietfTold(reply: Response | undefined): Promise<Told> {
  if (!reply?.ok) return await failure(reply);
  if (reply.headers.get("upload-complete") === "?1") return { kind: "finished" };
  const offset = reply.headers.get("upload-offset");
  return offset === null ? { kind: "unknown" } : { kind: "stored", offset: Number(offset) };
}

/** The IETF's resumable uploads, interop version 8. */
const resumableHttp: FrontClient = {
  name: "the IETF's resumable uploads",
  sharesSessions: true,
  async start(send, collection, total) {
    const headers = {
      ...IETF,
      "upload-complete": "?0",
      "upload-length": `${total}`,
      "content-length": "0",
    };
    const reply = await sent(send, `${collection}?name=a`, "POST", headers);
    return reply?.headers.get("location") ?? await failure(reply);
  },
  async append(send, url, { offset, bytes, total }) {
    const headers = {
      ...IETF,
      "content-type": "application/partial-upload",
      "upload-offset": `${offset}`,
      "upload-complete": offset + bytes.length === total ? "?1" : "?0",
    };
    return await ietfTold(await sent(send, url, "PATCH", headers, bytes));
  },
  async ask(send, url) {
    return await ietfTold(await sent(send, url, "HEAD", IETF));
  },
  async cancel(send, url) {
    const reply = await sent(send, url, "DELETE", { ...IETF, "content-length": "0" });
    if (reply?.ok) return { kind: "cancelled" };
    if (reply?.status === 403) return { kind: "finished" }; // what is finished is not deleted
    return await failure(reply);
  },
};

/** Every front that there is. */
export const fronts: readonly FrontClient[] = [contentRange, tus, xGoogUpload, resumableHttp];
