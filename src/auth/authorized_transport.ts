/** Requests with tokens, and what follows when the server refuses one. */

import type { Transport } from "../net/transport.ts";
import { type AuthOptions, checkFetch } from "./auth_options.ts";
import { originTest } from "./token_origins.ts";
import { needOf } from "./request_rule.ts";
import type { TokenSource } from "./token_cache.ts";
import { discard, sendWithCredential, withoutCredential } from "./with_credential.ts";

/** The header that says which project a request is charged to. */
const USER_PROJECT = "x-goog-user-project";

/**
 * A transport that adds tokens of `tokens` to the requests that need one.
 *
 * A redirect is never followed with a token. After a 401 the request is sent once more, with another token, if its body
 * can be sent again and if there is another token.
 */
export function authorizedTransport(
  tokens: TokenSource,
  options: AuthOptions,
  quotaProject?: string,
): Transport {
  const fetch = checkFetch(options.fetch);
  const isListed = originTest(options.origins);
  const send = async (token: string, input: string, init: RequestInit) => {
    const credential = { header: "authorization", value: `Bearer ${token}`, secret: token };
    return await sendWithCredential(fetch, input, forProject(init, quotaProject), credential);
  };
  const transport: Transport = async (input, init = {}) => {
    const need = needOf(input, init, isListed);
    if (need === "nothing") return await fetch(input, init);
    if (need === "elsewhere") return await withoutCredential(input, await fetch(input, init));
    const signal = init.signal ?? undefined;
    const token = await tokens.get(signal);
    const reply = await send(token, input, init);
    if (reply.status !== 401) return reply;
    tokens.reject(token);
    if (!isRepeatable(init.body)) return reply;
    const another = await tokens.get(signal).catch((error: unknown) => {
      discard(reply);
      throw error;
    });
    if (another === token) return reply;
    discard(reply);
    return await send(another, input, init);
  };
  SOURCES.set(transport, tokens);
  return transport;
}

/** Where the transports made here have their tokens from. */
const SOURCES = new WeakMap<Transport, TokenSource>();

/** Where a transport has its tokens from; `undefined` for one that was not made here. */
export function tokensOf(transport: Transport): TokenSource | undefined {
  return SOURCES.get(transport);
}

/** Names the project that a request is charged to, unless the caller has named one. */
function forProject(init: RequestInit, quotaProject: string | undefined): RequestInit {
  if (quotaProject === undefined) return init;
  const headers = new Headers(init.headers);
  if (!headers.has(USER_PROJECT)) headers.set(USER_PROJECT, quotaProject);
  return { ...init, headers };
}

/** Whether a body is the same when it is sent again; a stream is gone once it was read. */
function isRepeatable(body: BodyInit | null | undefined): boolean {
  return body === undefined || body === null || typeof body === "string" || body instanceof Blob ||
    body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}
