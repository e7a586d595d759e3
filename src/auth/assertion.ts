/** JSON Web Tokens, signed with the key of a service account. */

import { importPKCS8, SignJWT } from "jose";
import { UploadError } from "../errors.ts";
import type { CheckedKey } from "./service_account.ts";

/** How long a token lives, in seconds: the most that Google accepts. */
const LIFETIME = 3600;

/** How far the clock of this machine may be ahead of Google's, in seconds: `iat` lies in the past by as much. */
const SKEW = 60;

/** A JWT, and its end in seconds since 1970. */
export interface SignedJwt {
  readonly jwt: string;
  readonly expiresAt: number;
}

/** Signs claims at a moment, given in milliseconds since 1970. */
export type Signer = (claims: Record<string, string>, now: number) => Promise<SignedJwt>;

/**
 * Signs for a service account with RS256 (RSASSA-PKCS1-v1_5, SHA-256). The key is imported when it is first used.
 *
 * Rejects with an `UploadError` of code `rejected` when the key cannot be used; what the platform says of it is left out.
 */
export function signerOf({ pem, keyId, email }: CheckedKey): Signer {
  let key: Promise<CryptoKey> | undefined;
  return async (claims, now) => {
    const issuedAt = Math.floor(now / 1000) - SKEW;
    const expiresAt = issuedAt + LIFETIME;
    try {
      key ??= importPKCS8(pem, "RS256");
      const jwt = await new SignJWT({ iss: email, ...claims, iat: issuedAt, exp: expiresAt })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId && { kid: keyId }) })
        .sign(await key);
      return { jwt, expiresAt };
    } catch {
      throw new UploadError(
        "rejected",
        "Cannot sign a token: expected private_key to be an RSA key of at least 2048 bits in PKCS #8, " +
          "but it cannot be used",
      );
    }
  };
}
