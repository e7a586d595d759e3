/** Whatever kind of credentials there is in a file of Google's. */

import type { Transport } from "../net/transport.ts";
import { type AuthorizedUser, authorizedUserGrant } from "./authorized_user.ts";
import { type AuthContext, contextOf, type Grant, transportOf } from "./context.ts";
import {
  checkText,
  checkType,
  checkUniverse,
  type CredentialsJson,
  describeType,
  invalid,
  readCredentials,
} from "./credentials_json.ts";
import { checkEndpoint } from "./endpoints.ts";
import { type ExternalAccount, externalAccountGrant } from "./external_account.ts";
import { type ExternalAccountAuthorizedUser, externalUserGrant } from "./external_user.ts";
import { CLOUD_PLATFORM, impersonationBy } from "./impersonation.ts";
import type { TokenOptions } from "./auth_options.ts";
import type { ServiceAccountKey } from "./service_account.ts";
import { serviceAccountGrant } from "./service_account_transport.ts";
import type { SubjectTokenOptions } from "./subject_token.ts";

/**
 * The credentials of somebody who acts as a service account, as
 * `gcloud auth application-default login --impersonate-service-account` writes them. Further members are ignored.
 */
export interface ImpersonatedServiceAccount {
  /** `impersonated_service_account`. */
  readonly type: string;
  /** The service account to act as. */
  readonly service_account_impersonation_url: string;
  /** Whose credentials these are. */
  readonly source_credentials: Credentials;
  /** Further accounts, each of which may act as the next one. */
  readonly delegates?: readonly string[] | undefined;
  /** The project that requests are charged to: they carry it as `x-goog-user-project`, unless they name another. */
  readonly quota_project_id?: string | undefined;
}

/** Credentials of any kind; their `type` must say which. */
export type Credentials =
  | ServiceAccountKey
  | AuthorizedUser
  | ExternalAccount
  | ExternalAccountAuthorizedUser
  | ImpersonatedServiceAccount;

/** Options of {@linkcode credentialsTransport}. Those for a subject token are for external accounts. */
export interface CredentialsOptions extends TokenOptions, SubjectTokenOptions {}

/** How deep credentials may be within others: somebody, who acts as an account. */
const DEEPEST = 2;

/**
 * A transport with credentials of whatever kind: a service account's key, those of a user, an external account, a
 * user of a workforce pool, or somebody who acts as a service account. It is what `GOOGLE_APPLICATION_CREDENTIALS` names, and what gcloud writes to
 * `application_default_credentials.json`; reading the file is up to the program.
 *
 * It behaves as {@linkcode serviceAccountTransport}, {@linkcode authorizedUserTransport},
 * {@linkcode externalAccountTransport} and {@linkcode impersonatedTransport} do. Where the kind is known, use these: an
 * application takes on less code.
 *
 * Throws a `TypeError` for credentials or options that cannot work, naming the member at fault and never its value.
 *
 * @param credentials the JSON of the file as a string, or the object in it
 *
 * @example
 * ```ts
 * import { credentialsTransport } from "@resumable-media/upload/auth";
 *
 * const credentials = JSON.stringify({
 *   type: "authorized_user",
 *   client_id: "1.apps.googleusercontent.com",
 *   client_secret: "GOCSPX-a",
 *   refresh_token: "1//0a",
 * });
 * const transport = credentialsTransport(credentials);
 * console.log(typeof transport); // function
 * ```
 */
export function credentialsTransport(
  credentials: string | Credentials,
  options: CredentialsOptions = {},
): Transport {
  const context = contextOf(options, ["subjectToken", "readFile"]);
  return transportOf(grantOf(credentials, context, options, DEEPEST), context, options);
}

function grantOf(
  credentials: unknown,
  context: AuthContext,
  options: SubjectTokenOptions,
  depth: number,
): Grant {
  const json = readCredentials(credentials, "credentials");
  switch (json.type) {
    case "service_account":
      return serviceAccountGrant(json, context, { token: tokenOf(json, depth) });
    case "authorized_user":
      // A user who acts as an account does so with all that was granted: perhaps not by the scope that is usual here.
      return authorizedUserGrant(
        json,
        depth === DEEPEST ? context : { ...context, scopes: undefined },
      );
    case "external_account_authorized_user":
      return externalUserGrant(json, context);
    case "external_account":
      return externalAccountGrant(json, context, options);
    case "impersonated_service_account":
      if (depth > 1) return impersonatedGrant(json, context, options, depth - 1);
  }
  throw invalid(
    'type: expected "service_account", "authorized_user", "external_account", ' +
      '"external_account_authorized_user" or "impersonated_service_account"',
    describeType(json.type),
  );
}

/** A self-signed token will do for Cloud Storage, where the key has an ID; whether it does for IAM is not known. */
function tokenOf({ private_key_id }: CredentialsJson, depth: number): "self-signed" | "oauth" {
  return depth === DEEPEST && private_key_id !== undefined ? "self-signed" : "oauth";
}

function impersonatedGrant(
  json: CredentialsJson,
  context: AuthContext,
  options: SubjectTokenOptions,
  depth: number,
): Grant {
  checkType(json, "impersonated_service_account");
  checkUniverse(json);
  const member = "service_account_impersonation_url";
  const url = checkEndpoint(member, json[member], context.isListed);
  const source = grantOf(
    json.source_credentials,
    { ...context, scopes: CLOUD_PLATFORM },
    options,
    depth,
  );
  const target = { url, scopes: context.scopes, delegates: json.delegates };
  return {
    obtain: impersonationBy(source, context, target),
    quotaProject: checkText(json.quota_project_id, "quota_project_id"),
  };
}
