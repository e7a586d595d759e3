/**
 * Upload tickets: JWTs by which a backend says who may upload what.
 *
 * The claim with the object's exact name is `object`, not `name`: identity providers put a person's name there, which that
 * person may choose, so their tokens must not pass for tickets.
 */

import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { badGateway, HttpError, quote, unauthorized } from "./http_error.ts";
import { SettingError } from "./setting_error.ts";
import { remoteKeys } from "./jwks.ts";
import { GrantError, readGrant, type UploadGrant } from "./grant.ts";
import { checkRandom } from "./secrets.ts";

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
    throw new SettingError("TICKET_MAX_AGE_SECONDS", "a whole number of seconds");
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
  const key = secretBytes(secret);
  return (ticket, common) =>
    jwtVerify(ticket, key, { ...common, algorithms: ["HS256"], issuer, audience });
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
    isFirst = await once(jti, exp!);
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

class InvalidClaim extends Error {}

/** The claims that a ticket is made of, and what they are called in a grant. */
const CLAIMS: Readonly<Record<string, keyof UploadGrant>> = {
  sub: "subject",
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

/** A claim that is not known is an error: it may be a limit, misspelt. Those with a URL as their name are somebody else's. */
function grantOf(claims: JWTPayload): UploadGrant {
  const grant: Record<string, unknown> = {};
  for (const [claim, value] of Object.entries(claims)) {
    const field = Object.hasOwn(CLAIMS, claim) ? CLAIMS[claim] : undefined;
    if (field) grant[field] = field === "expires" ? Math.floor(Number(value)) : value;
    else if (!OTHER_CLAIMS.test(claim) && !/[:/]/.test(claim)) {
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

/** How a ticket is signed. */
export interface TicketOptions {
  /** How long it lasts, in seconds from now. It is needed to start an upload; a started one goes on without it. */
  expiresIn: number;
  /** Its `iss`, where the proxy has a `TICKET_ISSUER`. */
  issuer?: string | undefined;
  /** Its `aud`, where the proxy has a `TICKET_AUDIENCE`. */
  audience?: string | readonly string[] | undefined;
  /** Its `jti`, for a proxy that takes each ticket once. */
  id?: string | undefined;
  /**
   * The most that `expiresIn` may be: what the proxy's `TICKET_MAX_AGE_SECONDS` is.
   *
   * @default {86400}
   */
  maxAge?: number | undefined;
}

const TICKET_OPTIONS = ["expiresIn", "issuer", "audience", "id", "maxAge"];

/**
 * Signs an upload ticket with HS256, for a backend that hands it to its client.
 *
 * @param secret the proxy's `TICKET_SECRET`, at least 32 bytes of UTF-8
 * @param grant what the holder may upload; `subject` is required
 * @throws {TypeError} a field or an option is not known, or not what it should be
 * @throws {RangeError} the ticket would be good for longer than a proxy takes one
 *
 * @example
 * ```ts
 * import { signUploadTicket } from "@resumable-media/upload/worker";
 *
 * const secret = crypto.randomUUID() + crypto.randomUUID(); // in place of your TICKET_SECRET
 * const ticket = await signUploadTicket(secret, {
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
  options: TicketOptions,
): Promise<string> {
  const key = secretBytes(secret);
  const unknown = Object.keys(options).find((name) => !TICKET_OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`options: ${quote(unknown)} is not known`);
  const { expiresIn, issuer, audience, id, maxAge = DAY } = options;
  if (typeof expiresIn !== "number" || !(expiresIn > 0 && expiresIn <= maxAge)) {
    throw new RangeError(
      `expiresIn: expected a number of seconds up to maxAge, ${maxAge}, got ${expiresIn}`,
    );
  }
  const { expires, ...fields } = readGrant(grant);
  if (fields.subject === undefined) {
    throw new TypeError("grant.subject: expected who it is for, got nothing");
  }
  if (expires !== undefined) throw new TypeError("grant.expires: expected none: use expiresIn");
  const claims = Object.entries(CLAIMS).flatMap(([claim, field]) => {
    const value = (fields as UploadGrant)[field];
    return value === undefined ? [] : [[claim, value]];
  });
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({
    ...Object.fromEntries(claims),
    ...(issuer !== undefined && { iss: issuer }),
    ...(audience !== undefined && { aud: audience }),
    ...(id !== undefined && { jti: id }),
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
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
  checkRandom("TICKET_SECRET", bytes);
  return bytes;
}
