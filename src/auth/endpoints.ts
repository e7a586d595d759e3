/** Where secrets are exchanged for tokens: Google's endpoints, and those of origins that the caller has named. */

import type { OriginTest } from "./token_origins.ts";
import { TOKEN_URI } from "./service_account.ts";
import { STS_URL } from "./token_exchange.ts";

/** One of Google's endpoints, as credentials name it. */
interface Endpoint {
  /** An example, for errors. */
  readonly example: string;
  /**
   * The whole URL, because other paths of these hosts store what they are sent, and because Cloud Storage is a host of
   * googleapis.com as well.
   */
  readonly pattern: RegExp;
}

/** A member of a credentials file that names an endpoint. */
export type EndpointMember = "token_uri" | "token_url" | "service_account_impersonation_url";

const ENDPOINTS: Readonly<Record<EndpointMember, Endpoint>> = {
  /** OAuth 2.0, with the addresses that files made years ago name. */
  token_uri: {
    example: TOKEN_URI,
    pattern:
      /^https:\/\/(?:oauth2\.googleapis\.com\/token|accounts\.google\.com\/o\/oauth2\/token|www\.googleapis\.com\/oauth2\/v[34]\/token)$/,
  },
  /** The Security Token Service. */
  token_url: {
    example: STS_URL,
    pattern: /^https:\/\/sts\.(?:[a-z\d-]+\.rep\.)?googleapis\.com\/v1\/(?:oauth)?token$/,
  },
  /** Service Account Credentials, a part of IAM. */
  service_account_impersonation_url: {
    example:
      "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/NAME:generateAccessToken",
    pattern:
      /^https:\/\/iamcredentials\.(?:[a-z\d-]+\.rep\.)?googleapis\.com\/v1\/projects\/-\/serviceAccounts\/[\w.@%+-]+:generateAccessToken$/,
  },
};

/**
 * The endpoint that credentials name. Throws a `TypeError` where it is neither Google's nor at one of the caller's
 * origins: credentials that somebody has tampered with must not send a secret away.
 */
export function checkEndpoint(
  member: EndpointMember,
  uri: unknown,
  isListed: OriginTest,
): string {
  const url = typeof uri === "string" && URL.canParse(uri) ? new URL(uri) : undefined;
  const { example, pattern } = ENDPOINTS[member];
  if (url && (pattern.test(url.href) || (isListed(url) && !isGoogles(url)))) return url.href;
  throw new TypeError(
    `credentials: ${member}: expected ${example} or a URL of one of the origins, got another one`,
  );
}

/** That an origin of Google gets tokens does not make every URL there an endpoint for secrets. */
function isGoogles({ hostname }: URL): boolean {
  return /(?:^|\.)google(?:apis)?\.com$/.test(hostname);
}
