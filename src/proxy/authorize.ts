/** Who says what a request may upload: tickets, the operator's code, or both. */

import { readGrant, type UploadGrant } from "./grant.ts";
import { runHook } from "./hooks.ts";
import { unauthorized } from "./http_error.ts";
import type { UploadProxyOptions } from "./proxy_options.ts";
import { SettingError } from "./setting_error.ts";
import { ticketVerifiers } from "./ticket.ts";

/** Who says what a request may upload; nothing is open by default. */
export function authorizer(
  { tickets, authorize, now, sessionSecrets }: UploadProxyOptions,
): (request: Request) => Promise<UploadGrant> {
  if (tickets === undefined && authorize === undefined) {
    throw new TypeError("Cannot make an upload proxy: expected `tickets` or `authorize`");
  }
  const isList = Array.isArray(tickets);
  const all = tickets === undefined ? [] : isList ? tickets : [tickets];
  if (!all.every((one) => typeof one === "object" && one !== null)) { // never shown: it may be the secret
    throw new TypeError(
      "tickets: expected { secret }, { jwksUrl, issuer, audience }, or a list of these",
    );
  }
  const verifier = () => {
    if (all.some((one) => "secret" in one && sessionSecrets.includes(one.secret))) {
      throw new SettingError("TICKET_SECRET", "another value than SESSION_SECRET");
    }
    return ticketVerifiers(all, now);
  };
  const verify = tickets === undefined ? undefined : isList ? ofList(verifier) : verifier();
  const verifyTicket = async ({ headers }: Request) => {
    if (!verify) throw new TypeError("verifyTicket: expected the option `tickets`");
    // Google's client for Gemini has one place only: that of the key. Firebase's has a word of its own for a token.
    const ticket = headers.has("authorization")
      ? /^(?:Bearer|Firebase) +(\S+)$/i.exec(headers.get("authorization")!)?.[1]
      : headers.get("x-goog-api-key");
    if (!ticket) {
      throw unauthorized("Expected an upload ticket in the Authorization header, as Bearer");
    }
    return await verify(ticket);
  };
  if (!authorize) return verifyTicket;
  return async (request) =>
    readGrant(await runHook("authorize", () => authorize(request, () => verifyTicket(request))));
}

/** What issuers in a list call what are settings of their own where there is one issuer. */
const MEMBERS: Readonly<Record<string, string>> = {
  TICKET_AUDIENCE: "audience",
  TICKET_ISSUER: "issuer",
  TICKET_MAX_AGE_SECONDS: "maxAge",
  TICKET_SECRET: "secret",
};

/** Names `TICKETS` in an error of an issuer: nobody has set the others. */
function ofList<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SettingError) || !MEMBERS[error.setting]) throw error;
    const expected = error.message.slice(`${error.setting}: expected `.length);
    throw new SettingError("TICKETS", `${MEMBERS[error.setting]} to be ${expected}`);
  }
}
