/** Signing upload tickets, for backends that hand them to their clients. */

import { SignJWT } from "jose";
import { CLAIMS, secretBytes } from "./ticket_claims.ts";
import { readGrant, type UploadGrant } from "./grant.ts";
import { quote } from "./http_error.ts";

/** A day, the default of the longest life of a ticket, in seconds. */
const DAY = 86_400;

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
  if (typeof options !== "object" || options === null) {
    throw new TypeError("options: expected an object with expiresIn, in seconds, got none");
  }
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
  if (fields.name === undefined && fields.prefix === undefined) {
    throw new TypeError("grant: expected name or prefix, without which nothing may be uploaded");
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
