/** Requests to the Security Token Service, which makes one token of another: RFC 8693. */

import { formRequest } from "./access_token.ts";
import type { Token } from "./token_cache.ts";
import type { TokenRequest } from "./token_request.ts";

/** The service. */
export const STS_URL = "https://sts.googleapis.com/v1/token";

/** The same service, for users of a workforce pool who have signed in. */
export const STS_OAUTH_URL = "https://sts.googleapis.com/v1/oauthtoken";

/** The type of the tokens that it makes, and may be given. */
export const ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";

/** What is exchanged, and for what. */
export interface Exchange {
  readonly audience?: string | undefined;
  readonly scope?: string | undefined;
  readonly subject_token: string;
  readonly subject_token_type: string;
  readonly options?: string | undefined;
}

/** A request that exchanges a token for an access token. */
export function exchangeRequest(
  url: string,
  { audience, scope, subject_token, subject_token_type, options }: Exchange,
): TokenRequest<Token> {
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    audience,
    scope,
    requested_token_type: ACCESS_TOKEN_TYPE,
    subject_token,
    subject_token_type,
    options,
  };
  return formRequest(url, form, [subject_token]);
}
