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

/** Names `TICKETS` and its member in an error of an issuer in a list: nobody has set `TICKET_SECRET` and the like then. */
function ofList<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const [, name, expected] =
      /^TICKET_([A-Z]+)\w*: expected (.*)/.exec((error as Error).message) ??
        [];
    if (name === undefined) throw error;
    const member = name === "MAX" ? "maxAge" : name.toLowerCase();
    throw new SettingError("TICKETS", `${member} to be ${expected}`);
  }
}
