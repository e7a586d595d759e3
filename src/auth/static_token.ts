/** Tokens that somebody else obtains. */

import { UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { authorizedTransport } from "./authorized_transport.ts";
import { type AuthOptions, checkNames, isToken } from "./auth_options.ts";
import type { TokenSource } from "./token_cache.ts";

/** What a library for credentials may hand out: a token, an object with one, or nothing where there is none. */
export type TokenValue =
  | string
  | { readonly token?: string | null | undefined }
  | null
  | undefined;

/**
 * A transport with an access token of your own: from `gcloud auth print-access-token`, from Google's sign-in in a
 * browser, or from a library for credentials.
 *
 * A function is asked before every request that needs a token, and once more after a 401; it does its own caching. Its
 * errors are handed on as they are, so an upload takes them for a broken connection and tries again; to end the upload
 * at once, throw an {@linkcode UploadError}. A token that is a string cannot be renewed: Google's live for an hour, and
 * a session that was begun in time goes on without one.
 *
 * Throws a `TypeError` for a string that cannot be a token; the transport rejects with an {@linkcode UploadError} of
 * code `rejected` when the function returns one.
 *
 * @param token the token, without `Bearer`, or a function that returns one, such as `() => auth.getAccessToken()` of
 * google-auth-library
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { staticTokenTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const { fetch } = new GcsEmulator(); // leave this out, here and below, to reach Google
 * const transport = staticTokenTransport(() => Promise.resolve("ya29.a0"), { fetch });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function staticTokenTransport(
  token: string | (() => TokenValue | Promise<TokenValue>),
  options: AuthOptions = {},
): Transport {
  checkNames(options, ["fetch", "origins"]);
  return authorizedTransport(typeof token === "function" ? asked(token) : fixed(token), options);
}

const EXPECTED = 'expected an access token: visible ASCII without spaces and without "Bearer"';

function fixed(text: string): TokenSource {
  const token = typeof text === "string" ? text.trim() : text;
  if (!isToken(token)) throw new TypeError(`token: ${EXPECTED}, or a function that returns one`);
  return {
    get(signal) {
      signal?.throwIfAborted();
      return Promise.resolve(token);
    },
    reject() {},
  };
}

function asked(ask: () => TokenValue | Promise<TokenValue>): TokenSource {
  return {
    async get(signal) {
      signal?.throwIfAborted();
      const value = await abortable(Promise.resolve(ask()), signal);
      const text: unknown = typeof value === "object" ? value?.token : value;
      const token = typeof text === "string" ? text.trim() : text;
      if (isToken(token)) return token;
      throw new UploadError("rejected", `Cannot send a request: ${EXPECTED}, got something else`);
    },
    reject() {},
  };
}
