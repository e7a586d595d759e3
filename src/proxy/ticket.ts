/** Verifying upload tickets: JWTs by which a backend says who may upload what. */

import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { grantOf, InvalidClaim, secretBytes } from "./ticket_claims.ts";
import type { UploadGrant } from "./grant.ts";
import { runHook } from "./hooks.ts";
import { badGateway, HttpError, quote, unauthorized } from "./http_error.ts";
import { remoteKeys } from "./jwks.ts";
import { SettingError } from "./setting_error.ts";

export { signUploadTicket } from "./sign_ticket.ts";

/** How tickets are verified. */
export type TicketSettings =
  & {
    /**
     * The longest life of a ticket, in seconds.
     *
     * @default {86400} a day
     */
    readonly maxAge?: number | undefined;
    /** The buckets that its tickets may name. The default is any. */
    readonly buckets?: readonly string[] | undefined;
    /** What the names or prefixes of its tickets must begin with: one of these. The default is anything. */
    readonly prefixes?: readonly string[] | undefined;
    /**
     * Whether a ticket with this `jti` may be used: for tickets that are good once. It gets when the ticket ends, in seconds
     * since 1970, and answers `true` the first time only. Tickets without a `jti` are refused then.
     */
    readonly once?: ((id: string, expires: number) => boolean | Promise<boolean>) | undefined;
  }
  & (
    /** HS256, with the UTF-8 bytes of this secret, at least 32. */
    | {
      readonly secret: string;
      readonly issuer?: string | undefined;
      readonly audience?: string | undefined;
    }
    /** RS256, ES256 or EdDSA, with the keys at this URL. */
    | {
      readonly jwksUrl: string;
      readonly issuer: string;
      readonly audience: string;
      readonly fetch?: typeof fetch | undefined;
    }
  );

/** A day, the default of the longest life of a ticket, and the leeway for clocks that differ, in seconds. */
const DAY = 86_400, LEEWAY = 60;

/** A function that verifies a ticket and returns its grant. */
export function ticketVerifier(
  settings: TicketSettings,
  now: () => number = Date.now,
): (ticket: string) => Promise<UploadGrant> {
  checkSettings(settings);
  const { maxAge = DAY } = settings;
  if (!Number.isSafeInteger(maxAge) || maxAge < 1) {
    throw new SettingError("TICKET_MAX_AGE_SECONDS", "a whole number of seconds of at least 1");
  }
  const verify = "secret" in settings ? verifySecret(settings) : verifyKeys(settings, now);
  return async (ticket) => {
    try {
      const { payload } = await verify(ticket, {
        requiredClaims: ["exp", "sub"],
        currentDate: new Date(now()),
      });
      checkAge(payload, maxAge, now() / 1000);
      const grant = grantOf(payload);
      checkScope(grant, settings);
      if (settings.once) await checkOnce(payload, settings.once);
      return grant;
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
  // Imported once: for each ticket that would take as long as verifying it.
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = crypto.subtle.importKey("raw", secretBytes(secret), algorithm, false, ["verify"]);
  return async (ticket, common) =>
    await jwtVerify(ticket, await key, {
      ...common,
      algorithms: ["HS256"],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    });
}

function verifyKeys(
  { jwksUrl, issuer, audience, fetch: fetcher }: Exclude<TicketSettings, { secret: string }>,
  now: () => number,
): Verify {
  // Without them, every token that the keys have ever signed would be a ticket.
  for (const [name, value] of [["TICKET_ISSUER", issuer], ["TICKET_AUDIENCE", audience]]) {
    if (typeof value !== "string" || value === "") {
      throw new SettingError(name, "a value, got none");
    }
  }
  const send: typeof fetch = fetcher ?? ((input, init) => fetch(input, init));
  const keys = remoteKeys({ url: jwksUrl, fetch: send, now });
  const algorithms = ["RS256", "ES256", "EdDSA"];
  return (ticket, common) => jwtVerify(ticket, keys, { ...common, algorithms, issuer, audience });
}

/** Whoever signs for milliseconds, or for ever, is told so. */
function checkAge({ exp, iat }: JWTPayload, maxAge: number, now: number): void {
  const began = Math.min(iat ?? now, now);
  if (exp! - began > maxAge + LEEWAY) {
    throw new InvalidClaim(`The upload ticket is good for more than ${maxAge} seconds`);
  }
}

/** Whether a ticket says more than whoever signs such ones may say. */
function checkScope({ bucket, name, prefix }: UploadGrant, { buckets, prefixes }: TicketSettings) {
  if (buckets && (bucket === undefined || !buckets.includes(bucket))) {
    throw new InvalidClaim("The upload ticket's issuer may not sign for this bucket");
  }
  const covered = name ?? prefix ?? "";
  if (prefixes && !prefixes.some((part) => covered.startsWith(part))) {
    throw new InvalidClaim("The upload ticket's issuer may not sign for these names");
  }
}

async function checkOnce(
  { jti, exp }: JWTPayload,
  once: NonNullable<TicketSettings["once"]>,
): Promise<void> {
  if (typeof jti !== "string" || jti === "") {
    throw new InvalidClaim("The upload ticket has no jti, and is to be used once");
  }
  let isFirst: boolean;
  try {
    isFirst = await runHook("once", () => once(jti, exp!));
  } catch {
    throw badGateway("The use of the upload ticket cannot be noted");
  }
  if (isFirst !== true) throw new InvalidClaim("The upload ticket has been used");
}

const SETTINGS = [
  "audience",
  "buckets",
  "fetch",
  "issuer",
  "jwksUrl",
  "maxAge",
  "once",
  "prefixes",
  "secret",
];

/** A limit that is misspelt would not hold. */
function checkSettings(settings: TicketSettings): void {
  const unknown = Object.keys(settings).find((name) => !SETTINGS.includes(name));
  if (unknown !== undefined) throw new SettingError("TICKETS", `no ${quote(unknown)}`);
  const { buckets, prefixes } = settings;
  const isList = (value: unknown) =>
    value === undefined ||
    (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string"));
  if (!isList(buckets) || !isList(prefixes)) {
    throw new SettingError("TICKETS", "lists of texts as buckets and prefixes");
  }
}

/**
 * A function that verifies tickets of several issuers. A ticket is for the first one that has signed it: which ones are asked
 * is told by its algorithm and its `iss`, before either is believed.
 */
export function ticketVerifiers(
  all: readonly TicketSettings[],
  now: () => number = Date.now,
): (ticket: string) => Promise<UploadGrant> {
  if (all.length === 0) {
    throw new SettingError("TICKETS", "at least one issuer of tickets, got none");
  }
  const verifiers = all.map((settings) => ({ settings, verify: ticketVerifier(settings, now) }));
  if (verifiers.length === 1) return verifiers[0].verify;
  return async (ticket) => {
    let last: unknown = unauthorized("The upload ticket is not valid");
    for (
      const { verify } of verifiers.filter(({ settings }) => mayHaveSigned(settings, ticket))
    ) {
      try {
        return await verify(ticket);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  };
}

/** Whether a ticket looks like one of an issuer's. */
function mayHaveSigned(settings: TicketSettings, ticket: string): boolean {
  try {
    const isSecret = decodeProtectedHeader(ticket).alg === "HS256";
    const { issuer } = settings;
    return isSecret === "secret" in settings &&
      (issuer === undefined || decodeJwt(ticket).iss === issuer);
  } catch {
    return false;
  }
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
  ];
  if (error instanceof HttpError) return error;
  if (error instanceof InvalidClaim) return unauthorized(error.message);
  if (aboutTicket.some((type) => error instanceof type)) {
    return unauthorized("The upload ticket is not valid");
  }
  return badGateway("The keys of the upload tickets cannot be fetched");
}
