/** Tokens for a user who has signed in once: RFC 6749, section 6. */

import type { Transport } from "../net/transport.ts";
import { formRequest } from "./access_token.ts";
import { type AuthContext, contextOf, type Grant, transportOf } from "./context.ts";
import {
  checkText,
  checkType,
  checkUniverse,
  readCredentials,
  requireText,
} from "./credentials_json.ts";
import { checkEndpoint } from "./endpoints.ts";
import type { TokenOptions } from "./auth_options.ts";
import { TOKEN_URI } from "./service_account.ts";
import { requestToken } from "./token_request.ts";

/**
 * The credentials of a user, as `gcloud auth application-default login` writes them. Further members are ignored.
 *
 * Source: [application default credentials](https://cloud.google.com/docs/authentication/application-default-credentials).
 */
export interface AuthorizedUser {
  /** `authorized_user`, where it is there. */
  readonly type?: string | undefined;
  /** The application that the user has signed in to. */
  readonly client_id: string;
  /** The application's secret. */
  readonly client_secret: string;
  /** The user's consent, good until it is taken back. */
  readonly refresh_token: string;
  /** Where it is exchanged for a token. The default is `https://oauth2.googleapis.com/token`. */
  readonly token_uri?: string | undefined;
  /** The project that requests are charged to: they carry it as `x-goog-user-project`, unless they name another. */
  readonly quota_project_id?: string | undefined;
}

/**
 * A transport with the credentials of a user: on the machine of a developer, and for what belongs to a user, such as a
 * channel of YouTube.
 *
 * A token is fetched by the first request that needs one, kept, and renewed before its end; where it goes and what follows
 * a 401 is as for {@linkcode serviceAccountTransport}. Without `scopes` a token is good for all that the user has granted.
 *
 * Throws a `TypeError` for credentials or options that cannot work, naming the member at fault and never its value. The
 * transport rejects with an {@linkcode UploadError} when there is no token: `rejected` (400 `invalid_grant`: the user has to
 * sign in again), `invalid_response`, or, after the retries, `unavailable`, `transport_failed` and `deadline_exceeded`.
 *
 * @param credentials the JSON of the file as a string, or the object in it
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { authorizedUserTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * // Yours is the file that gcloud has written.
 * const credentials = { client_id: "1.apps.googleusercontent.com", client_secret: "GOCSPX-a", refresh_token: "1//0a" };
 *
 * const gcs = new GcsEmulator(); // leave `fetch` out to reach Google
 * const transport = authorizedUserTransport(credentials, {
 *   fetch: (input, init) =>
 *     input === "https://oauth2.googleapis.com/token"
 *       ? Promise.resolve(Response.json({ access_token: "ya29.a0", expires_in: 3599, token_type: "Bearer" }))
 *       : gcs.fetch(input, init),
 * });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function authorizedUserTransport(
  credentials: string | AuthorizedUser,
  options: TokenOptions = {},
): Transport {
  const context = contextOf(options);
  return transportOf(authorizedUserGrant(credentials, context), context, options);
}

/** How tokens of a user are made. */
export function authorizedUserGrant(
  credentials: unknown,
  { server, scopes, isListed }: AuthContext,
): Grant {
  const json = readCredentials(credentials, "a user's credentials");
  checkType(json, "authorized_user");
  checkUniverse(json);
  const url = checkEndpoint("token_uri", json.token_uri ?? TOKEN_URI, isListed);
  const client_secret = requireText(json, "client_secret");
  const refresh_token = requireText(json, "refresh_token");
  const form = {
    grant_type: "refresh_token",
    client_id: requireText(json, "client_id"),
    client_secret,
    refresh_token,
    scope: scopes?.join(" "),
  };
  const request = formRequest(url, form, [client_secret, refresh_token]);
  return {
    obtain: () => requestToken(request, server),
    quotaProject: checkText(json.quota_project_id, "quota_project_id"),
  };
}
