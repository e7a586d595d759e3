/** Requests with an API key, which names a project and no account. */

import type { Transport } from "../net/transport.ts";
import { type AuthOptions, checkFetch, checkNames, isToken } from "./auth_options.ts";
import { originTest } from "./token_origins.ts";
import { needOf } from "./request_rule.ts";
import { sendWithCredential, withoutCredential } from "./with_credential.ts";

/** The API that takes uploads with a key alone. */
const GEMINI = ["https://generativelanguage.googleapis.com"];

/**
 * A transport with an API key, for the Gemini API: Cloud Storage, Drive and YouTube take no uploads without an account.
 *
 * The key goes into the header `x-goog-api-key`, where it is in no log of URLs, and only to `origins`; here they are
 * `["https://generativelanguage.googleapis.com"]` by default. It is left out where a request has a credential: an
 * `Authorization` header or a key of the caller, a session, a signed URL. No redirect is followed with it.
 *
 * A key does not expire, and whoever has it spends your quota: it belongs on servers, not in pages.
 *
 * Throws a `TypeError` for a text that cannot be a key. A key that is refused is the reply, a 400 or a 403.
 *
 * Source: [API keys](https://ai.google.dev/gemini-api/docs/api-key).
 *
 * @example
 * ```ts
 * import { apiKeyTransport } from "@resumable-media/upload/auth";
 *
 * const url = "https://generativelanguage.googleapis.com/upload/v1beta/files";
 * const transport = apiKeyTransport("AIzaSyExample", {
 *   fetch: (_, { headers }) => Promise.resolve(Response.json([...new Headers(headers).keys()])), // leave this out
 * });
 * console.log(await (await transport(url, { method: "POST" })).json()); // [ "x-goog-api-key" ]
 * ```
 */
export function apiKeyTransport(key: string, options: AuthOptions = {}): Transport {
  checkNames(options, ["fetch", "origins"]);
  const value = typeof key === "string" ? key.trim() : key;
  if (!isToken(value)) {
    throw new TypeError("key: expected an API key: visible ASCII without spaces");
  }
  const fetch = checkFetch(options.fetch);
  const isListed = originTest(options.origins ?? GEMINI);
  const credential = { header: "x-goog-api-key", value, secret: value };
  return async (input, init = {}) => {
    const need = hasKey(input, init) ? "nothing" : needOf(input, init, isListed);
    if (need === "nothing") return await fetch(input, init);
    if (need === "elsewhere") return await withoutCredential(input, await fetch(input, init));
    return await sendWithCredential(fetch, input, init, credential);
  };
}

/** Whether the caller has given a request a key. */
function hasKey(input: string, init: RequestInit): boolean {
  return new Headers(init.headers).has("x-goog-api-key") ||
    (URL.canParse(input) && new URL(input).searchParams.has("key"));
}
