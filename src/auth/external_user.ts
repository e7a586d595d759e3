/** Tokens for a user of a workforce pool who has signed in once: gcloud's sign-in with an identity provider of the organisation. */

import { formRequest } from "./access_token.ts";
import type { AuthContext, Grant } from "./context.ts";
import {
  checkText,
  checkType,
  checkUniverse,
  readCredentials,
  requireText,
} from "./credentials_json.ts";
import { checkEndpoint } from "./endpoints.ts";
import { isToken } from "./auth_options.ts";
import { STS_OAUTH_URL } from "./token_exchange.ts";
import { parseObject, requestToken } from "./token_request.ts";

/**
 * The credentials of a user of a workforce pool, as `gcloud auth application-default login` writes them where it was told to sign in
 * with a `--login-config`. Further members are ignored.
 */
export interface ExternalAccountAuthorizedUser {
  /** `external_account_authorized_user`. */
  readonly type: string;
  /** The application that the user has signed in to. */
  readonly client_id: string;
  /** The application's secret. */
  readonly client_secret: string;
  /** The user's consent; a reply may have the next one. */
  readonly refresh_token: string;
  /** Where it is exchanged for a token. The default is `https://sts.googleapis.com/v1/oauthtoken`. */
  readonly token_url?: string | undefined;
  /** The project that requests are charged to: they carry it as `x-goog-user-project`, unless they name another. */
  readonly quota_project_id?: string | undefined;
}

/** How tokens of such a user are made. They are good for what the user has granted, whatever the scopes. */
export function externalUserGrant(
  credentials: unknown,
  { server, isListed }: Pick<AuthContext, "server" | "isListed">,
): Grant {
  const json = readCredentials(credentials, "a user's credentials");
  checkType(json, "external_account_authorized_user");
  checkUniverse(json);
  const url = checkEndpoint("token_url", json.token_url ?? STS_OAUTH_URL, isListed);
  const client = btoa(`${requireText(json, "client_id")}:${requireText(json, "client_secret")}`);
  const client_secret = requireText(json, "client_secret");
  let refresh_token = requireText(json, "refresh_token");
  const obtain = async () => {
    const form = { grant_type: "refresh_token", refresh_token };
    const request = formRequest(url, form, [client, client_secret, refresh_token]);
    return await requestToken({
      ...request,
      headers: { ...request.headers, authorization: `Basic ${client}` },
      read(text, askedAt) {
        const token = request.read(text, askedAt);
        const { refresh_token: next } = parseObject(text);
        if (token && isToken(next)) refresh_token = next;
        return token;
      },
    }, server);
  };
  return { obtain, quotaProject: checkText(json.quota_project_id, "quota_project_id") };
}
