/**
 * Upload tickets: JWTs by which a backend says who may upload what.
 *
 * The claim with the object's exact name is `object`, not `name`: identity providers put a person's name there, which that
 * person may choose, so their tokens must not pass for tickets.
 */

import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { badGateway, unauthorized } from "./http_error.ts";
import { SettingError } from "./setting_error.ts";
import type { UploadGrant } from "./grant.ts";

/** How tickets are verified. */
export type TicketSettings =
  /** HS256, with the UTF-8 bytes of this secret, at least 32. */
  | { readonly secret: string; readonly issuer?: string; readonly audience?: string }
  /** RS256, ES256 or EdDSA, with the keys at this URL. */
  | {
    readonly jwksUrl: string;
    readonly issuer: string;
    readonly audience: string;
    readonly fetch?: typeof fetch;
  };

/** How long keys are believed, and how long fetching them may take, in milliseconds. */
const JWKS_MAX_AGE = 600_000, JWKS_DEADLINE = 5000;

/** A function that verifies a ticket and returns its grant. */
export function ticketVerifier(
  settings: TicketSettings,
  now: () => number = Date.now,
): (ticket: string) => Promise<UploadGrant> {
  const verify = "secret" in settings ? verifySecret(settings) : verifyKeys(settings);
  return async (ticket) => {
    try {
      const { payload } = await verify(ticket, {
        requiredClaims: ["exp", "sub"],
        currentDate: new Date(now()),
      });
      return grantOf(payload);
    } catch (error) {
      throw refusal(error);
    }
  };
}

type Verify = (
  ticket: string,
  common: { requiredClaims: string[]; currentDate: Date },
) => Promise<{ payload: JWTPayload }>;

function verifySecret(
  { secret, issuer, audience }: Extract<TicketSettings, { secret: string }>,
): Verify {
  const key = secretBytes(secret);
  return (ticket, common) =>
    jwtVerify(ticket, key, { ...common, algorithms: ["HS256"], issuer, audience });
}

function verifyKeys(
  { jwksUrl, issuer, audience, fetch: fetcher }: Exclude<TicketSettings, { secret: string }>,
): Verify {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: JWKS_DEADLINE,
    cacheMaxAge: JWKS_MAX_AGE,
    ...(fetcher && { [customFetch]: fetcher }),
  });
  const algorithms = ["RS256", "ES256", "EdDSA"];
  return (ticket, common) => jwtVerify(ticket, keys, { ...common, algorithms, issuer, audience });
}

/** The reply for a ticket that does not hold; what is not about the ticket is about where the keys come from. */
function refusal(error: unknown): Error {
  if (error instanceof errors.JWTExpired) return unauthorized("The upload ticket has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(`The upload ticket's claim "${error.claim}" does not hold`);
  }
  const aboutTicket = [
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSENotSupported,
    InvalidClaim,
  ];
  if (error instanceof InvalidClaim) return unauthorized(error.message);
  if (aboutTicket.some((type) => error instanceof type)) {
    return unauthorized("The upload ticket is not valid");
  }
  return badGateway("The keys of the upload tickets cannot be fetched");
}

class InvalidClaim extends Error {}

function grantOf(claims: JWTPayload): UploadGrant {
  const take = <T>(name: string, isValid: (value: unknown) => value is T): T | undefined => {
    const value = claims[name];
    if (value !== undefined && !isValid(value)) {
      throw new InvalidClaim(`The upload ticket's claim "${name}" is malformed`);
    }
    return value as T | undefined;
  };
  return {
    subject: take("sub", isNamed),
    bucket: take("bucket", isString),
    name: take("object", isString),
    prefix: take("prefix", isString),
    maxBytes: take("max_bytes", isCount),
    contentTypes: take("content_types", isStrings),
    overwrite: take("overwrite", isBoolean),
    metadata: take("metadata", isRecord),
  };
}

const isNamed = (value: unknown): value is string => typeof value === "string" && value !== "";
const isString = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isString);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** How long a ticket lasts. */
export interface TicketOptions {
  /** In seconds from now. It is needed to start an upload; a started one goes on without it. */
  expiresIn: number;
}

/**
 * Signs an upload ticket with HS256, for a backend that hands it to its client.
 *
 * @param secret the proxy's `TICKET_SECRET`, at least 32 bytes of UTF-8
 * @param grant what the holder may upload; `subject` is required
 *
 * @example
 * ```ts
 * import { signUploadTicket } from "@resumable-media/upload/worker";
 *
 * const ticket = await signUploadTicket("0123456789abcdef0123456789abcdef", {
 *   subject: "user-17",
 *   prefix: "users/17/",
 *   maxBytes: 100_000_000,
 *   contentTypes: ["image/*"],
 * }, { expiresIn: 600 });
 * console.log(ticket.split(".").length); // 3
 * ```
 */
export async function signUploadTicket(
  secret: string,
  grant: UploadGrant & { subject: string },
  { expiresIn }: TicketOptions,
): Promise<string> {
  const key = secretBytes(secret);
  if (!(expiresIn > 0)) {
    throw new RangeError(`expiresIn: expected a positive number of seconds, got ${expiresIn}`);
  }
  if (typeof grant.subject !== "string" || grant.subject === "") {
    throw new TypeError("grant.subject: expected who it is for, got nothing");
  }
  const { subject, name, maxBytes, contentTypes, ...rest } = grant;
  const claims = { ...rest, object: name, max_bytes: maxBytes, content_types: contentTypes };
  grantOf({ ...claims, sub: subject } as JWTPayload);
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT(claims as JWTPayload)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(now + Math.ceil(expiresIn))
    .sign(key);
}

/** A shared secret as bytes; an error does not show it. */
function secretBytes(secret: string): Uint8Array {
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length < 32) {
    throw new SettingError("TICKET_SECRET", `at least 32 bytes of UTF-8, got ${bytes.length}`);
  }
  return bytes;
}
