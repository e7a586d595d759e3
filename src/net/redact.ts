/** Errors of transports, without the URLs, tokens and keys that they may hold. */

import { kindOf } from "../bytes/bytes.ts";
import { withoutSecretWords } from "../protocol/quoted_text.ts";

/** Headers that speak for the caller. */
export const CREDENTIAL_HEADERS: readonly string[] = [
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-goog-api-key",
];

/** Headers whose values are secrets. */
const SECRET_HEADERS = [...CREDENTIAL_HEADERS, "x-goog-encryption-key"];

/** What looks like a session, a token or a signature, whoever has made it. */
const SUSPICIOUS = /upload_?id=|\bya29\.|\beyJ[\w-]{8,}|signature=|\bbearer\s+\S/i;

/** Objects that are printed as their properties. */
const PLAIN = ["Object", "Array", "Error"];

/** How much of an error is looked at: values, and how deep. Beyond that it counts as one with secrets. */
const MAX_VALUES = 200, DEEPEST = 5;

/** What of a request must not come out in an error. */
export function secretsOf(url: string, headers: Headers): readonly string[] {
  const { origin, pathname, search, searchParams, username, password } = new URL(url);
  const inHeaders = SECRET_HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [value, value.replace(/^\S+\s+/, "")];
  });
  const inQuery = search === "" ? [] : [pathname + search, search, ...searchParams.values()];
  const inUrl = [origin + pathname, pathname]; // sessions of some servers have their secret in the path
  return [...inHeaders, ...inUrl, ...inQuery, username, password].filter((secret) =>
    secret.length >= 6
  );
}

/**
 * The error as it is, where printing it whole shows no secret; else what it says in words, without what may be one.
 *
 * Deno's errors hold the URL in their message, Bun's in a property, those of other clients the whole request.
 */
export function withoutSecrets(error: unknown, secrets: readonly string[]): unknown {
  const budget = { values: MAX_VALUES };
  return holdsSecret(error, secrets, budget, 0) ? summary(error, secrets, 0) : error;
}

function holdsSecret(
  value: unknown,
  secrets: readonly string[],
  budget: { values: number },
  depth: number,
): boolean {
  if (budget.values-- <= 0 || depth > DEEPEST) return true;
  if (typeof value === "string") {
    const text = value.toLowerCase();
    return SUSPICIOUS.test(text) || secrets.some((secret) => text.includes(secret.toLowerCase()));
  }
  if (typeof value !== "object" || value === null) return false;
  // A request, its headers, a map: what is printed of it are no properties of its own.
  if (!(value instanceof Error) && !PLAIN.includes(kindOf(value))) return true;
  const own = [...Object.keys(value), ...Object.getOwnPropertySymbols(value)];
  const names = value instanceof Error ? ["message", "stack", "cause", "errors", ...own] : own;
  return names.some((name) =>
    holdsSecret((value as Record<PropertyKey, unknown>)[name], secrets, budget, depth + 1)
  );
}

/** The words of an error, and those of its causes. */
function summary(error: unknown, secrets: readonly string[], depth: number): Error {
  const { name, message, cause, code } = error instanceof Error
    ? error as Error & { code?: unknown }
    : { name: "Error", message: String(error), cause: undefined, code: undefined };
  const text = withoutSecretWords(message, secrets);
  const nested = cause === undefined || depth >= DEEPEST
    ? undefined
    : { cause: summary(cause, secrets, depth + 1) };
  const copy = Object.assign(new Error(text, nested), typeof code === "string" ? { code } : {});
  copy.name = name;
  copy.stack = `${name}: ${text}`;
  return copy;
}

/** What an error says, with what its cause says, in one bounded line without URLs and secrets. */
export function describeError(error: unknown, secrets: readonly string[]): string {
  const words: string[] = [];
  for (let e = error, depth = 0; e != null && depth < DEEPEST; depth++) {
    const { message, cause, code } = e as { message?: unknown; cause?: unknown; code?: unknown };
    const said = typeof e === "string" ? e : message || code;
    if (typeof said === "string" && !words.some((word) => word.includes(said))) words.push(said);
    e = typeof e === "object" && e !== null ? cause : undefined;
  }
  return withoutSecretWords(words.join(": "), secrets);
}
