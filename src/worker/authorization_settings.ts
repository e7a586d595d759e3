/** Who may upload, by the settings: tickets of one issuer or of several, or everybody. */

import type { UploadGrant } from "../proxy/grant.ts";
import { HttpError } from "../proxy/http_error.ts";
import { isAllowedOrigin } from "../proxy/page_origins.ts";
import type { UploadProxyOptions } from "../proxy/proxy_options.ts";
import { isSafeUrl } from "../proxy/safe_url.ts";
import { checkNoExample } from "../proxy/secrets.ts";
import { SettingError } from "../proxy/setting_error.ts";
import type { TicketSettings } from "../proxy/ticket.ts";
import { booleanOf, listOf, numberOf, required } from "./setting_values.ts";
import type { WorkerSettings } from "./worker_settings.ts";

/** Nothing is open by default. */
export function authorizationOf(
  settings: WorkerSettings,
): Pick<UploadProxyOptions, "tickets" | "authorize"> {
  const { TICKET_SECRET: secret, TICKET_JWKS_URL: jwksUrl } = settings;
  const isAnonymous = booleanOf(settings, "ALLOW_ANONYMOUS") === true;
  const ways =
    [isAnonymous, secret !== undefined, jwksUrl !== undefined, settings.TICKETS !== undefined]
      .filter(Boolean).length;
  const names = "one of TICKET_SECRET, TICKET_JWKS_URL, TICKETS and ALLOW_ANONYMOUS";
  if (ways === 0) throw new SettingError("TICKET_SECRET", `${names}, got none: nobody may upload`);
  if (ways > 1) throw new SettingError("TICKET_SECRET", `${names}, got ${ways}`);
  if (isAnonymous) {
    required(settings, "GCS_BUCKET");
    return { authorize: anonymous(settings) };
  }
  if (settings.TICKETS !== undefined) {
    for (const name of ["TICKET_ISSUER", "TICKET_AUDIENCE", "TICKET_MAX_AGE_SECONDS"] as const) {
      if (settings[name] !== undefined) {
        throw new SettingError(name, "none beside TICKETS, where each issuer has its own");
      }
    }
    return { tickets: issuersOf(settings.TICKETS) };
  }
  const { TICKET_ISSUER: issuer, TICKET_AUDIENCE: audience } = settings;
  const maxAge = numberOf(settings, "TICKET_MAX_AGE_SECONDS");
  if (secret !== undefined) return { tickets: { secret, issuer, audience, maxAge } };
  if (!isSafeUrl(jwksUrl)) {
    throw new SettingError("TICKET_JWKS_URL", "an https URL, got something else");
  }
  return {
    tickets: {
      jwksUrl: jwksUrl!,
      issuer: required(settings, "TICKET_ISSUER"),
      audience: required(settings, "TICKET_AUDIENCE"),
      maxAge,
    },
  };
}

/** Fields of an issuer that can be said in text. */
const ISSUER_FIELDS = ["audience", "buckets", "issuer", "jwksUrl", "maxAge", "prefixes", "secret"];

function issuersOf(json: string): TicketSettings[] {
  const wrong = new SettingError(
    "TICKETS",
    "a JSON list of issuers of tickets, got something else",
  );
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    throw wrong;
  }
  if (!Array.isArray(list) || list.length === 0) throw wrong;
  for (const one of list) {
    if (typeof one !== "object" || one === null || Array.isArray(one)) throw wrong;
    const { secret, jwksUrl } = one;
    const isKnown = Object.keys(one).every((field) => ISSUER_FIELDS.includes(field));
    const isOneOf = typeof secret === "string" ? jwksUrl === undefined : isSafeUrl(jwksUrl);
    if (!isKnown || !isOneOf) throw wrong;
    if (typeof secret === "string") checkNoExample("TICKETS", secret);
  }
  return list as TicketSettings[];
}

/**
 * Lets everybody upload, but for pages that `ALLOWED_ORIGINS` does not name: their visitors would upload without knowing, by
 * requests that a browser sends without asking first.
 */
function anonymous(settings: WorkerSettings): (request: Request) => UploadGrant {
  const allowed = listOf(settings.ALLOWED_ORIGINS ?? "");
  return (request) => {
    const origin = request.headers.get("origin");
    if (origin !== null && !isAllowedOrigin(allowed, origin)) {
      const own = new URL(settings.PUBLIC_ORIGIN ?? request.url).host;
      if (!URL.canParse(origin) || new URL(origin).host !== own) {
        throw new HttpError(403, "forbidden", "Pages of this origin may not upload here");
      }
    }
    return { subject: "anonymous", prefix: "" };
  };
}
