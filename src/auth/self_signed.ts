/** Tokens that a service account signs itself: no request, no waiting. */

import type { CheckedKey } from "./service_account.ts";
import { signerOf } from "./assertion.ts";
import type { Token } from "./token_cache.ts";

/**
 * Makes access tokens with the claims of AIP-4111: a scope and no audience, so they are good for every host of the
 * service. Throws a `TypeError` for a key without an ID.
 */
export function selfSigned(
  key: CheckedKey,
  scopes: readonly string[],
): (now: number) => Promise<Token> {
  if (key.keyId === undefined) {
    throw new TypeError(
      'credentials: private_key_id: expected the ID of the key, got none; Google cannot check a self-signed token without it (token: "oauth" can do without)',
    );
  }
  const sign = signerOf(key);
  return async (now) => {
    const { jwt, expiresAt } = await sign({ sub: key.email, scope: scopes.join(" ") }, now);
    return { value: jwt, expiresAt: expiresAt * 1000 };
  };
}
