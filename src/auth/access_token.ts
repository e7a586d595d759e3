/** Requests for access tokens: the form that asks for one, and the reply that has one. */

import { isToken } from "./auth_options.ts";
import type { Token } from "./token_cache.ts";
import { parseObject, type TokenRequest } from "./token_request.ts";

/** How a request asks for an access token, and how the reply is read: RFC 6749, section 5.1. */
export const ACCESS_TOKEN: Pick<TokenRequest<Token>, "tokenName" | "expected" | "read"> = {
  tokenName: "an access token",
  expected: "a bearer token and its lifetime",
  read: readToken,
};

/** A request for an access token by a form; members that are `undefined` are left out. */
export function formRequest(
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  secrets: readonly string[],
): TokenRequest<Token> {
  const defined = Object.entries(fields).filter((field): field is [string, string] =>
    field[1] !== undefined
  );
  return {
    ...ACCESS_TOKEN,
    method: "POST",
    url,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(defined).toString(),
    secrets,
  };
}

/** Reads a token and its lifetime. Time is counted from the question, so it is never overestimated. */
function readToken(text: string, askedAt: number): Token | undefined {
  const { access_token, expires_in, token_type } = parseObject(text);
  const bearer = token_type === undefined ||
    (typeof token_type === "string" && token_type.toLowerCase() === "bearer");
  const seconds = typeof expires_in === "string" ? Number.parseFloat(expires_in) : expires_in;
  const known = typeof seconds === "number" && Number.isFinite(seconds);
  if (!bearer || !known || !isToken(access_token)) return undefined;
  return { value: access_token, expiresAt: askedAt + seconds * 1000 };
}
