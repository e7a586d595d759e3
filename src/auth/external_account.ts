/** Tokens for a workload that somebody else than Google vouches for: RFC 8693, AIP-4117. */

import type { Transport } from "../net/transport.ts";
import { type AuthContext, contextOf, type Grant, transportOf } from "./context.ts";
import {
  checkText,
  checkType,
  checkUniverse,
  type CredentialsJson,
  invalid,
  isObject,
  kindOf,
  readCredentials,
  requireText,
} from "./credentials_json.ts";
import { checkEndpoint } from "./endpoints.ts";
import { CLOUD_PLATFORM, impersonationBy } from "./impersonation.ts";
import { READ_WRITE, type TokenOptions } from "./auth_options.ts";
import { subjectTokenOf, type SubjectTokenOptions } from "./subject_token.ts";
import type { Token } from "./token_cache.ts";
import { exchangeRequest, STS_URL } from "./token_exchange.ts";
import { requestToken } from "./token_request.ts";

/**
 * The configuration of workload or workforce identity federation, as Google Cloud's console and
 * `gcloud iam workload-identity-pools create-cred-config` write it. There is no secret in it. Further members are ignored.
 *
 * Source: [AIP-4117](https://google.aip.dev/auth/4117).
 */
export interface ExternalAccount {
  /** `external_account`, where it is there. */
  readonly type?: string | undefined;
  /** The provider of the pool, `//iam.googleapis.com/projects/…/providers/…`. */
  readonly audience: string;
  /** What the subject token is, such as `urn:ietf:params:oauth:token-type:jwt`. */
  readonly subject_token_type: string;
  /** Where it is exchanged. The default is `https://sts.googleapis.com/v1/token`. */
  readonly token_url?: string | undefined;
  /** Where the subject token is: `{ url, headers?, format? }` or `{ file, format? }`. */
  readonly credential_source?: Readonly<Record<string, unknown>> | undefined;
  /** The service account to act as. Without it, requests are made as the workload itself. */
  readonly service_account_impersonation_url?: string | undefined;
  /** How long a token of that account lives: 3600 unless it says something else. */
  readonly service_account_impersonation?:
    | { readonly token_lifetime_seconds?: number | undefined }
    | undefined;
  /** The application, where the pool asks for one. */
  readonly client_id?: string | undefined;
  /** The application's secret. */
  readonly client_secret?: string | undefined;
  /** The project that is charged, for a pool of people. */
  readonly workforce_pool_user_project?: string | undefined;
  /** The project that requests are charged to: they carry it as `x-goog-user-project`, unless they name another. */
  readonly quota_project_id?: string | undefined;
}

/** Options of {@linkcode externalAccountTransport}. */
export interface ExternalAccountOptions extends TokenOptions, SubjectTokenOptions {}

/**
 * A transport for a workload outside Google Cloud that needs no key (workload identity federation): GitHub Actions, Vercel,
 * Fly, Kubernetes, Azure. A token that its own platform has signed is exchanged for one of Google's, and that, where the
 * configuration says so, for one of a service account.
 *
 * Where the token goes and what follows a 401 is as for {@linkcode serviceAccountTransport}. The configurations of AWS, of
 * programs and of certificates are refused; for them hand in `subjectToken`. A `url` in the configuration is asked as it
 * is, so use no configuration of somebody else's unseen.
 *
 * Throws a `TypeError` or `RangeError` for a configuration or options that cannot work. The transport rejects with an {@linkcode UploadError}
 * when there is no token: `rejected` (the pool does not know the subject token, or the account may not be acted as),
 * `invalid_response`, or, after the retries, `unavailable`, `transport_failed` and `deadline_exceeded`.
 *
 * @param configuration the JSON of the file as a string, or the object in it
 *
 * @example On a platform that hands its token to a function
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { externalAccountTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator(); // leave `fetch` out to reach Google
 * const transport = externalAccountTransport({
 *   audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/github",
 *   subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
 * }, {
 *   subjectToken: () => Promise.resolve("the platform's token"),
 *   fetch: (input, init) =>
 *     input === "https://sts.googleapis.com/v1/token"
 *       ? Promise.resolve(Response.json({ access_token: "ya29.d.a0", expires_in: 3599, token_type: "Bearer" }))
 *       : gcs.fetch(input, init),
 * });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function externalAccountTransport(
  configuration: string | ExternalAccount,
  options: ExternalAccountOptions = {},
): Transport {
  const context = contextOf(options, ["subjectToken", "readFile"]);
  return transportOf(externalAccountGrant(configuration, context, options), context, options);
}

/** How tokens of a workload are made. */
export function externalAccountGrant(
  configuration: unknown,
  context: AuthContext,
  options: SubjectTokenOptions,
): Grant {
  const json = readCredentials(configuration, "an external account");
  checkType(json, "external_account");
  checkUniverse(json);
  const quotaProject = checkText(json.quota_project_id, "quota_project_id");
  const account = json.service_account_impersonation_url;
  if (account === undefined) {
    const { scopes = READ_WRITE } = context;
    return { obtain: exchange(json, scopes, context, options), quotaProject };
  }
  const url = checkEndpoint("service_account_impersonation_url", account, context.isListed);
  const workload = { obtain: exchange(json, CLOUD_PLATFORM, context, options) };
  const target = { url, scopes: context.scopes, lifetime: lifetimeOf(json) };
  return { obtain: impersonationBy(workload, context, target), quotaProject };
}

/** Exchanges the subject token for one of Google's. */
function exchange(
  json: CredentialsJson,
  scopes: readonly string[],
  { server, isListed }: AuthContext,
  options: SubjectTokenOptions,
): () => Promise<Token> {
  const url = checkEndpoint("token_url", json.token_url ?? STS_URL, isListed);
  const audience = requireText(json, "audience");
  const subject_token_type = requireText(json, "subject_token_type");
  const client = clientOf(json);
  const userProject = checkText(json.workforce_pool_user_project, "workforce_pool_user_project");
  const subjectToken = subjectTokenOf(json.credential_source, options, server, isListed);
  return async () => {
    const subject_token = await subjectToken();
    const request = exchangeRequest(url, {
      audience,
      scope: scopes.join(" "),
      subject_token,
      subject_token_type,
      options: userProject && !client ? JSON.stringify({ userProject }) : undefined,
    });
    if (!client) return await requestToken(request, server);
    const headers = { ...request.headers, authorization: `Basic ${client.encoded}` };
    const secrets = [...request.secrets ?? [], client.encoded, client.secret];
    return await requestToken({ ...request, headers, secrets }, server);
  };
}

/** What the application says who it is by: as it is sent, and its secret, which no error may show. */
function clientOf(
  json: CredentialsJson,
): { readonly encoded: string; readonly secret: string } | undefined {
  const id = checkText(json.client_id, "client_id");
  if (id === undefined) return undefined;
  const secret = checkText(json.client_secret, "client_secret") ?? "";
  return { encoded: btoa(`${id}:${secret}`), secret };
}

function lifetimeOf(
  { service_account_impersonation: impersonation = {} }: CredentialsJson,
): unknown {
  if (isObject(impersonation)) return impersonation.token_lifetime_seconds;
  throw invalid("service_account_impersonation: expected an object", kindOf(impersonation));
}
