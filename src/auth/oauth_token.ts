/** Tokens of Google's authorization server, for a signed assertion: RFC 7523. */

import { formRequest } from "./access_token.ts";
import { signerOf } from "./assertion.ts";
import { checkEndpoint } from "./endpoints.ts";
import type { OriginTest } from "./token_origins.ts";
import { type CheckedKey, TOKEN_URI } from "./service_account.ts";
import type { Token } from "./token_cache.ts";
import { requestToken, type TokenServer } from "./token_request.ts";

/** What an assertion is made of, and where it goes. */
export interface OauthGrant {
  readonly key: CheckedKey;
  readonly scopes: readonly string[];
  /** The user on whose behalf the account acts. */
  readonly subject: string | undefined;
  readonly server: TokenServer;
  readonly isListed: OriginTest;
}

/**
 * Exchanges assertions for access tokens at the key's `token_uri`. The audience is always Google's token endpoint, as
 * in Google's own libraries. Throws a `TypeError` for a `token_uri` that is not to be trusted.
 */
export function oauthToken(
  { key, scopes, subject, server, isListed }: OauthGrant,
): (now: number) => Promise<Token> {
  const url = checkEndpoint("token_uri", key.tokenUri, isListed);
  const sign = signerOf(key);
  return async (now) => {
    const { jwt } = await sign({
      aud: TOKEN_URI,
      scope: scopes.join(" "),
      ...(subject !== undefined && { sub: subject }),
    }, now);
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: jwt,
    };
    return await requestToken(formRequest(url, form, [jwt]), server);
  };
}
