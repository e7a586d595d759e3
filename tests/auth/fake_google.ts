// The servers of Google that hand out tokens, as the tests of credentials need them.

import { type FakeClock, fakeClock } from "../support/fake_clock.ts";
import type { Transport } from "../../src/auth/mod.ts";
import { fakeFetch, OBJECTS, type Seen } from "./helpers.ts";

const STS = "https://sts.googleapis.com/v1/token";
const OAUTH = "https://oauth2.googleapis.com/token";
const IAM =
  /^https:\/\/iamcredentials\.googleapis\.com\/v1\/projects\/-\/serviceAccounts\/[^/]+:generateAccessToken$/;

/** Answers in place of one of the servers; `undefined` leaves it to the server. */
export type Override = (seen: Seen, count: number) => Response | Promise<Response> | undefined;

/**
 * The servers of Google that hand out tokens, in a few lines. They check what they are sent; tokens are "sts-1", "iam-1",
 * "oauth-1" and so on. Objects are stored for whoever asks, and everything else is another platform.
 */
export interface FakeGoogle {
  readonly fetch: Transport;
  readonly clock: FakeClock;
  readonly asked: Readonly<Record<"sts" | "iam" | "oauth" | "other", Seen[]>>;
  /** The tokens that came with requests for objects. */
  readonly tokens: (string | undefined)[];
  /** The headers of the requests for objects. */
  readonly stored: Seen[];
}

export function fakeGoogle(
  overrides: Partial<Record<"sts" | "iam" | "oauth" | "other", Override>> = {},
): FakeGoogle {
  const clock = fakeClock();
  const asked = { sts: [], iam: [], oauth: [], other: [] } as Record<string, Seen[]>;
  const tokens: (string | undefined)[] = [];
  const stored: Seen[] = [];
  const { fetch } = fakeFetch(async (seen) => {
    if (seen.url.startsWith(OBJECTS)) {
      stored.push(seen);
      tokens.push(seen.token);
      return new Response("ok");
    }
    const who = seen.url === STS
      ? "sts"
      : seen.url === OAUTH
      ? "oauth"
      : IAM.test(seen.url)
      ? "iam"
      : "other";
    const count = asked[who].push(seen);
    const instead = overrides[who]?.(seen, count);
    if (instead) return await instead;
    if (who === "iam") return iam(seen, count, clock.now());
    if (who === "other") return new Response("the platform's token\n");
    return oauth(seen, `${who}-${count}`, who === "sts" ? STS_FIELDS : OAUTH_FIELDS);
  });
  return { fetch, clock, asked: asked as FakeGoogle["asked"], tokens, stored };
}

const STS_FIELDS = ["grant_type", "requested_token_type", "subject_token", "subject_token_type"];
const OAUTH_FIELDS = ["grant_type", "client_id", "client_secret", "refresh_token"];

/** RFC 6749: a form in, a token out. */
function oauth({ method, headers, text }: Seen, access_token: string, fields: string[]): Response {
  const form = new URLSearchParams(text);
  const isForm = headers.get("content-type") === "application/x-www-form-urlencoded";
  const missing = fields.find((name) => !form.get(name));
  if (method !== "POST" || !isForm || missing) {
    return Response.json({ error: "invalid_request", error_description: `No ${missing}` }, {
      status: 400,
    });
  }
  return Response.json({ access_token, expires_in: 3599, token_type: "Bearer" });
}

/** A Google API: JSON in and out, for whoever has a token. */
function iam({ method, headers, text, token }: Seen, count: number, now: number): Response {
  if (!token) return refusal(401, "UNAUTHENTICATED", "Request is missing credentials.");
  const isJson = headers.get("content-type") === "application/json";
  const { scope, lifetime } = JSON.parse(text);
  if (method !== "POST" || !isJson || !Array.isArray(scope) || !/^\d+s$/.test(lifetime)) {
    return refusal(400, "INVALID_ARGUMENT", "Bad request.");
  }
  const expireTime = new Date(now + Number.parseInt(lifetime) * 1000).toISOString();
  return Response.json({ accessToken: `iam-${count}`, expireTime });
}

/** How a Google API refuses. */
export function refusal(code: number, status: string, message: string): Response {
  return Response.json({ error: { code, message, status } }, { status: code });
}

/** The fields of a form. */
export const formOf = ({ text }: Seen): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(text));
