/** The rule of which request carries a token, and what follows when the server refuses it. */

import { UploadError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { type AuthOptions, checkFetch } from "./options.ts";
import { originTest } from "./origins.ts";
import type { TokenSource } from "./token_cache.ts";

/** Query parameters that are a credential themselves: of a session, of signed URLs, of OAuth. */
const CREDENTIALS = new Set([
  "upload_id",
  "x-goog-signature",
  "x-amz-signature",
  "signature",
  "access_token",
]);

/**
 * A transport that adds tokens of `tokens` to the requests that need one.
 *
 * A redirect is never followed with a token. After a 401 the request is sent once more, with another token, if its body
 * can be sent again and if there is another token.
 */
export function authorizedTransport(tokens: TokenSource, options: AuthOptions): Transport {
  const fetch = checkFetch(options.fetch);
  const allowed = originTest(options.origins);
  return async (input, init = {}) => {
    const url = URL.canParse(input) ? new URL(input) : undefined;
    if (!url || !allowed(url) || hasCredential(url, init)) return await fetch(input, init);
    const signal = init.signal ?? undefined;
    const token = await tokens.get(signal);
    const reply = await sendWith(token, fetch, input, init);
    if (reply.status !== 401) return reply;
    tokens.reject(token);
    if (!isRepeatable(init.body)) return reply;
    const another = await tokens.get(signal).catch(async (error: unknown) => {
      await discard(reply);
      throw error;
    });
    if (another === token) return reply;
    await discard(reply);
    return await sendWith(another, fetch, input, init);
  };
}

/**
 * Whether a request is allowed already: by its headers, by its URL, or by belonging to a session, whose URL is all it
 * takes. Only requests of a session have a Content-Range.
 */
function hasCredential(url: URL, init: RequestInit): boolean {
  const headers = new Headers(init.headers);
  if (headers.has("authorization") || headers.has("content-range")) return true;
  return [...url.searchParams.keys()].some((name) => CREDENTIALS.has(name.toLowerCase()));
}

async function sendWith(
  token: string,
  fetch: Transport,
  input: string,
  init: RequestInit,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  const redirect = init.redirect === "error" ? "error" : "manual";
  const reply = await fetch(input, { ...init, headers, redirect });
  if (reply.type === "opaqueredirect") { // what browsers make of "manual": nothing in it can be read
    throw new UploadError(
      "invalid_response",
      "Cannot send a request with a token: expected a reply, got a redirect, which is not followed",
    );
  }
  return reply;
}

/** Whether a body is the same when it is sent again; a stream is gone once it was read. */
function isRepeatable(body: BodyInit | null | undefined): boolean {
  return body === undefined || body === null || typeof body === "string" || body instanceof Blob ||
    body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}

/** Lets go of a reply that nobody will read. */
async function discard(reply: Response): Promise<void> {
  await reply.body?.cancel().catch(() => {});
}
