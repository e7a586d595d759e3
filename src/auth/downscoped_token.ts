/** Tokens that are good for less: Credential Access Boundaries. */

import { UploadError } from "../errors.ts";
import { abortable, systemClock } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { tokensOf } from "./authorized_transport.ts";
import { checkFetch, checkNames, isToken, type TokenOptions } from "./auth_options.ts";
import { ACCESS_TOKEN_TYPE, exchangeRequest, STS_URL } from "./token_exchange.ts";
import { parseObject, requestToken, tokenPolicy } from "./token_request.ts";

/** What a token may be used for: objects in a bucket, and what may be done with them. */
export interface AccessRule {
  /** The bucket. It must have uniform bucket-level access. */
  readonly bucket: string;
  /** What the names of the objects begin with. Without it, every object of the bucket. */
  readonly prefix?: string | undefined;
  /**
   * The most that may be done. The token's account must be allowed it as well.
   *
   * @default {["roles/storage.objectCreator"]}
   */
  readonly roles?: readonly string[] | undefined;
}

/** Options of {@linkcode downscopedToken}. */
export interface DownscopeOptions extends Pick<TokenOptions, "fetch" | "retry" | "clock"> {
  /** Stops waiting. */
  signal?: AbortSignal | undefined;
}

/** A token that can be handed out. */
export interface DownscopedToken {
  /** The token, for `Authorization: Bearer` or {@linkcode staticTokenTransport}. */
  readonly token: string;
  /** When it ends; `undefined` where Google does not say, as for tokens of a user. It ends with the token it is made of. */
  readonly expiresAt: Date | undefined;
}

/** The most rules of a token. */
const MAX_RULES = 10;

/**
 * Makes a token for one prefix of a bucket out of one for everything, so that a backend can hand it to a page, a device
 * or a job. It is good for Cloud Storage only.
 *
 * `source` is a transport of this package, whose token must have the scope
 * `https://www.googleapis.com/auth/cloud-platform` and come from Google's authorization server: a self-signed one is
 * refused. The new token lives as long as what is left of it, an hour at most.
 *
 * Each call is a request. Throws a `TypeError` for arguments that cannot work; rejects with an {@linkcode UploadError} when
 * there is no token.
 *
 * Source: [downscoped tokens](https://cloud.google.com/iam/docs/downscoping-short-lived-credentials).
 *
 * @example A token for the files of one user
 * ```ts
 * import { downscopedToken, staticTokenTransport } from "@resumable-media/upload/auth";
 *
 * const sts = () => Promise.resolve(Response.json({ access_token: "ya29.b0", expires_in: 3000, token_type: "Bearer" }));
 * const backend = staticTokenTransport("ya29.a0");
 * const rules = [{ bucket: "my-bucket", prefix: "users/7/" }];
 * const { token } = await downscopedToken(backend, rules, { fetch: sts }); // leave `fetch` out to reach Google
 * console.log(token); // ya29.b0
 * ```
 */
export async function downscopedToken(
  source: Transport,
  rules: readonly AccessRule[],
  options: DownscopeOptions = {},
): Promise<DownscopedToken> {
  checkNames(options, ["fetch", "retry", "clock", "signal"]);
  const tokens = tokensOf(source);
  if (!tokens) {
    throw new TypeError("source: expected a transport of this package that has a token");
  }
  const accessBoundary = JSON.stringify({
    accessBoundary: { accessBoundaryRules: boundary(rules) },
  });
  const { signal, clock = systemClock } = options;
  const server = { fetch: checkFetch(options.fetch), policy: tokenPolicy(options.retry, clock) };
  const token = await tokens.get(signal);
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(token)) {
    throw new UploadError(
      "rejected",
      "Cannot downscope a token: expected one of Google's authorization server, got one that the account " +
        'has signed itself (token: "oauth" makes the other kind)',
    );
  }
  const request = exchangeRequest(STS_URL, {
    subject_token: token,
    subject_token_type: ACCESS_TOKEN_TYPE,
    options: accessBoundary,
  });
  const asked = requestToken({ ...request, expected: "a bearer token", read }, server);
  return await abortable(asked, signal);
}

/** Reads the new token. Unlike others it may have no lifetime of its own. */
function read(text: string, askedAt: number): DownscopedToken | undefined {
  const { access_token, expires_in } = parseObject(text);
  if (!isToken(access_token)) return undefined;
  const expiresAt = typeof expires_in === "number"
    ? new Date(askedAt + expires_in * 1000)
    : undefined;
  return { token: access_token, expiresAt };
}

function boundary(rules: readonly AccessRule[]): unknown[] {
  if (!Array.isArray(rules) || rules.length < 1 || rules.length > MAX_RULES) {
    throw new TypeError(`rules: expected an array of 1 to ${MAX_RULES} rules`);
  }
  return rules.map((rule) => {
    checkNames(rule, ["bucket", "prefix", "roles"]);
    const { bucket, prefix, roles = ["roles/storage.objectCreator"] } = rule;
    if (typeof bucket !== "string" || !/^[a-z\d][a-z\d._-]+$/.test(bucket)) {
      throw new TypeError(
        `rules: bucket: expected the name of a bucket, got ${JSON.stringify(bucket)}`,
      );
    }
    if (prefix !== undefined && typeof prefix !== "string") {
      throw new TypeError(`rules: prefix: expected a string, got ${typeof prefix}`);
    }
    const areRoles = Array.isArray(roles) && roles.length > 0 &&
      roles.every((role) => typeof role === "string" && /^[\w.]+(?:\/[\w.-]+)+$/.test(role));
    if (!areRoles) {
      throw new TypeError(
        'rules: roles: expected an array of roles such as "roles/storage.objectCreator"',
      );
    }
    const resource = `projects/_/buckets/${bucket}`;
    return {
      availableResource: `//storage.googleapis.com/${resource}`,
      availablePermissions: roles.map((role) => `inRole:${role}`),
      ...(prefix && {
        availabilityCondition: {
          // A string of the Common Expression Language may be written as one of JSON.
          expression: `resource.name.startsWith(${
            JSON.stringify(`${resource}/objects/${prefix}`)
          })`,
        },
      }),
    };
  });
}
