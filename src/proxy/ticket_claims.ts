/**
 * The claims of upload tickets, and the grants that they mean.
 *
 * The claim with the object's exact name is `object`, not `name`: identity providers put a person's name there, which that
 * person may choose, so their tokens must not pass for tickets.
 */

import type { JWTPayload } from "jose";
import { GrantError, readGrant, type UploadGrant } from "./grant.ts";
import { quote } from "./http_error.ts";
import { checkRandom } from "./secrets.ts";
import { SettingError } from "./setting_error.ts";

/** A claim that makes a ticket invalid. The message shows no value. */
export class InvalidClaim extends Error {}

/** The claims that a ticket is made of, and what they are called in a grant. */
export const CLAIMS: Readonly<Record<string, keyof UploadGrant>> = {
  sub: "subject",
  backend: "backend",
  bucket: "bucket",
  object: "name",
  prefix: "prefix",
  max_bytes: "maxBytes",
  min_bytes: "minBytes",
  require_checksum: "requireChecksum",
  content_types: "contentTypes",
  fields: "fields",
  overwrite: "overwrite",
  metadata: "metadata",
  payload: "payload",
  session_ttl: "sessionTtl",
  exp: "expires",
};

/** Claims of JSON Web Tokens (RFC 7519) and of identity providers, which say nothing about uploads. */
const OTHER_CLAIMS =
  /^(?:iss|aud|nbf|iat|jti|azp|scope|scp|client_id|tid|oid|ver|acr|amr|sid|nonce|typ|auth_time|[acs]_?t?_hash|roles|groups|(?:given_|family_|middle_|nick|preferred_user)?name|profile|picture|website|email(?:_verified)?|phone_number(?:_verified)?|gender|birthdate|zoneinfo|locale|address|updated_at)$/;

/** Names that are URLs, or begin with a scheme, as those of identity providers do. No claim of a ticket looks so, misspelt or not. */
const URL_CLAIM = /^[a-z][a-z0-9+.-]*:./i;

/** A claim that is not known is an error: it may be a limit, misspelt. Those with a URL as their name are somebody else's. */
export function grantOf(claims: JWTPayload): UploadGrant {
  const grant: Record<string, unknown> = {};
  for (const [claim, value] of Object.entries(claims)) {
    const field = Object.hasOwn(CLAIMS, claim) ? CLAIMS[claim] : undefined;
    if (field) grant[field] = field === "expires" ? Math.floor(Number(value)) : value;
    else if (!OTHER_CLAIMS.test(claim) && !URL_CLAIM.test(claim)) {
      throw new InvalidClaim(`The upload ticket has a claim that is not known: ${quote(claim)}`);
    }
  }
  try {
    return readGrant(grant);
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    const claim = Object.keys(CLAIMS).find((name) => CLAIMS[name] === error.field);
    throw new InvalidClaim(`The upload ticket's claim "${claim}" is malformed`);
  }
}

/** A shared secret as bytes; an error does not show it. */
export function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length < 32) {
    throw new SettingError("TICKET_SECRET", `at least 32 bytes of UTF-8, got ${bytes.length}`);
  }
  checkRandom("TICKET_SECRET", bytes);
  return bytes;
}
