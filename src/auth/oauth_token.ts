/** Tokens of Google's authorization server, for a signed assertion: RFC 7523. */

import { formRequest } from "./access_token.ts";
import { signerOf } from "./assertion.ts";
import type { OriginTest } from "./origins.ts";
import { type CheckedKey, TOKEN_URI } from "./service_account.ts";
import type { Token } from "./token_cache.ts";
import { requestToken, type TokenServer } from "./token_request.ts";

/** Where keys may send assertions to: a key made years ago names a place of its own. */
const GOOGLE = [
  "https://oauth2.googleapis.com",
  "https://www.googleapis.com",
  "https://accounts.google.com",
];

/**
 * Exchanges assertions for access tokens at the key's `token_uri`. The audience is always Google's token endpoint, as
 * in Google's own libraries.
 *
 * Throws a `TypeError` where that place is neither Google's nor one of the caller's: a key that somebody has tampered
 * with must not send an assertion away.
 */
export function oauthToken(
  key: CheckedKey,
  scopes: readonly string[],
  server: TokenServer,
  named: OriginTest,
): (now: number) => Promise<Token> {
  const url = URL.canParse(key.tokenUri) ? new URL(key.tokenUri) : undefined;
  if (!url || !(GOOGLE.includes(url.origin) || named(url))) {
    throw new TypeError(
      `credentials: token_uri: expected ${TOKEN_URI} or a URL of one of the origins, got another one`,
    );
  }
  const sign = signerOf(key);
  return async (now) => {
    const { jwt } = await sign({ aud: TOKEN_URI, scope: scopes.join(" ") }, now);
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: jwt,
    };
    return await requestToken(formRequest(url.href, form, [jwt]), server);
  };
}
