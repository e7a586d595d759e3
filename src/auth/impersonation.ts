/** Tokens of a service account for somebody who may act as it: IAM's Service Account Credentials. */

import { typeInWords } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { ACCESS_TOKEN } from "./access_token.ts";
import { authorizedTransport, tokensOf } from "./authorized_transport.ts";
import { type AuthContext, contextOf, type Grant, transportOf } from "./context.ts";
import { isToken, READ_WRITE, type TokenOptions } from "./auth_options.ts";
import { type Token, TokenCache } from "./token_cache.ts";
import { parseObject, requestToken, type TokenServer } from "./token_request.ts";

/** What whoever acts as a service account must have a token for. */
export const CLOUD_PLATFORM: readonly string[] = ["https://www.googleapis.com/auth/cloud-platform"];

/** How long a token lives unless something else is asked for, in seconds. */
const LIFETIME = 3600;

/** Options of {@linkcode impersonatedTransport}. */
export interface ImpersonationOptions extends TokenOptions {
  /** Further accounts, each of which may act as the next one, and the last as the one that is asked for. */
  delegates?: readonly string[] | undefined;
  /**
   * How long a token lives, in seconds, from 600 to 43200. More than an hour has to be allowed by the organisation.
   *
   * @default {3600}
   */
  lifetime?: number | undefined;
}

/**
 * A transport that acts as a service account, with the credentials of somebody who may
 * (`roles/iam.serviceAccountTokenCreator`): no key has to exist.
 *
 * `source` sends the requests for tokens to `https://iamcredentials.googleapis.com`, so it must add its own there. Its
 * tokens need the scope `https://www.googleapis.com/auth/cloud-platform`.
 *
 * Throws a `TypeError` or `RangeError` for arguments that cannot work. The transport rejects with an {@linkcode UploadError} when there is no
 * token: what `source` rejects with, `rejected` (403: it may not act as the account), `invalid_response`, or, after the
 * retries, `unavailable`, `transport_failed` and `deadline_exceeded`.
 *
 * Source: [short-lived credentials](https://cloud.google.com/iam/docs/create-short-lived-credentials-direct).
 *
 * @param source a transport with the credentials of whoever acts as the account
 * @param serviceAccount the account's address, `name@project.iam.gserviceaccount.com`
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { impersonatedTransport, staticTokenTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator(); // leave `fetch` out, here and below, to reach Google
 * const iam = () => Promise.resolve(Response.json({ accessToken: "ya29.b0", expireTime: "2100-01-01T00:00:00Z" }));
 * const me = staticTokenTransport("ya29.a0", { fetch: iam });
 * const transport = impersonatedTransport(me, "uploader@my-project.iam.gserviceaccount.com", { fetch: gcs.fetch });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function impersonatedTransport(
  source: Transport,
  serviceAccount: string,
  options: ImpersonationOptions = {},
): Transport {
  if (typeof source !== "function") {
    throw new TypeError(`source: expected a transport, got ${typeof source}`);
  }
  if (!isAddress(serviceAccount)) {
    throw new TypeError(
      "serviceAccount: expected the address of a service account, such as " +
        `"name@project.iam.gserviceaccount.com", got another ${typeof serviceAccount}`,
    );
  }
  const context = contextOf(options, ["delegates", "lifetime"]);
  const url =
    `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`;
  const { delegates, lifetime } = options;
  const server = { ...context.server, fetch: source };
  const { scopes } = context;
  const obtain = impersonation({ url, scopes, delegates, lifetime, server });
  return transportOf({ obtain }, context, options);
}

/** What is asked of IAM, and how. */
interface Impersonation {
  readonly url: string;
  readonly scopes: readonly string[] | undefined;
  readonly delegates?: unknown;
  readonly lifetime?: unknown;
  /** Its `fetch` adds the token of whoever acts as the account. */
  readonly server: TokenServer;
}

/** Makes tokens of another account; throws a `TypeError` for what cannot be asked. */
export function impersonation(
  { url, scopes = READ_WRITE, delegates = [], lifetime = LIFETIME, server }: Impersonation,
): () => Promise<Token> {
  if (!Number.isInteger(lifetime) || Number(lifetime) < 600 || Number(lifetime) > 43_200) {
    throw new RangeError(
      `lifetime: expected whole seconds from 600 to 43200, got ${typeInWords(lifetime)}`,
    );
  }
  const names = Array.isArray(delegates) ? delegates.map(resourceName) : [undefined];
  if (names.includes(undefined)) {
    throw new TypeError("delegates: expected an array of addresses of service accounts");
  }
  const body = {
    scope: scopes,
    lifetime: `${lifetime}s`,
    ...(names.length > 0 && { delegates: names }),
  };
  // The first token is waited for before IAM is asked, so that each of the two has its own limits of time.
  const source = tokensOf(server.fetch);
  return async () => {
    await source?.get(undefined);
    return await requestToken({
      ...ACCESS_TOKEN,
      method: "POST",
      url,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      expected: "an access token and its end",
      read: (text, askedAt) => readToken(text, askedAt + Number(lifetime) * 1000),
    }, server);
  };
}

/** Makes tokens of another account with those of `source`, as files of credentials describe it; `url` has been checked. */
export function impersonationBy(
  source: Grant,
  { clock, server }: AuthContext,
  target: Omit<Impersonation, "server">,
): () => Promise<Token> {
  const tokens = new TokenCache(() => source.obtain(clock.now()), clock);
  const origins = [new URL(target.url).origin];
  const fetch = authorizedTransport(tokens, { fetch: server.fetch, origins }, source.quotaProject);
  return impersonation({ ...target, server: { ...server, fetch } });
}

/**
 * A token ends when IAM says, and no later than was asked for: a clock that is slow would have it live too long.
 */
function readToken(text: string, latest: number): Token | undefined {
  const { accessToken, expireTime } = parseObject(text);
  const end = typeof expireTime === "string" ? Date.parse(expireTime) : NaN;
  if (!isToken(accessToken) || Number.isNaN(end)) return undefined;
  return { value: accessToken, expiresAt: Math.min(end, latest) };
}

function isAddress(value: unknown): value is string {
  return typeof value === "string" && /^[\w.+-]+@[\w.-]+$/.test(value);
}

/** How IAM names an account; files of credentials have either form. */
function resourceName(delegate: unknown): string | undefined {
  const address = typeof delegate === "string"
    ? delegate.replace(/^projects\/-\/serviceAccounts\//, "")
    : delegate;
  return isAddress(address) ? `projects/-/serviceAccounts/${address}` : undefined;
}
