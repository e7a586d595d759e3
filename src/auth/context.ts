/** What every kind of credentials needs besides itself: how to ask, whom, and for what. */

import { type Clock, systemClock } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { authorizedTransport } from "./authorized_transport.ts";
import { checkFetch, checkNames, checkScopes, isToken, type TokenOptions } from "./auth_options.ts";
import { type OriginTest, originTest } from "./token_origins.ts";
import { type Token, TokenCache } from "./token_cache.ts";
import { tokenPolicy, type TokenServer } from "./token_request.ts";

/** Options that have been checked. */
export interface AuthContext {
  readonly server: TokenServer;
  readonly clock: Clock;
  /** The scopes that the caller has set, if any. */
  readonly scopes: readonly string[] | undefined;
  readonly isListed: OriginTest;
}

/** How tokens of one kind of credentials are made. */
export interface Grant {
  /** Makes a new token; the time is in milliseconds since 1970. */
  obtain(now: number): Promise<Token>;
  /** The project that requests are charged to, where the credentials name one. */
  readonly quotaProject?: string | undefined;
}

const TOKEN_OPTIONS = ["fetch", "origins", "scopes", "retry", "clock", "quotaProject"];

/** Checks the options; `more` names those that one transport has besides {@linkcode TokenOptions}. */
export function contextOf(options: TokenOptions, more: readonly string[] = []): AuthContext {
  checkNames(options, [...TOKEN_OPTIONS, ...more]);
  const { retry, scopes, quotaProject, clock = systemClock } = options;
  if (quotaProject !== undefined && !isToken(quotaProject)) {
    throw new TypeError("quotaProject: expected the ID of a project, got something else");
  }
  return {
    server: { fetch: checkFetch(options.fetch), policy: tokenPolicy(retry, clock) },
    clock,
    scopes: scopes === undefined ? undefined : checkScopes(scopes),
    isListed: originTest(options.origins),
  };
}

/** A transport with the tokens of a grant, which are kept in it. */
export function transportOf(
  { obtain, quotaProject }: Grant,
  { clock }: AuthContext,
  options: TokenOptions,
): Transport {
  const tokens = new TokenCache(() => obtain(clock.now()), clock);
  return authorizedTransport(tokens, options, options.quotaProject ?? quotaProject);
}
