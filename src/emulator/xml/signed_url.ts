/**
 * Signed URLs: which headers a signature covers, and whether it is right.
 *
 * @module
 */

import type { Incoming } from "../incoming.ts";
import type { Settings } from "../emulator_options.ts";
import type { Refusal } from "../emulator_replies.ts";

/** Whether a URL carries a signature. */
export function isSigned(url: URL): boolean {
  for (const name of url.searchParams.keys()) {
    if (/^(x-(goog|amz)-)?signature$/i.test(name)) return true;
  }
  return false;
}

/** What is wrong with a signed request, as far as can be told without the key, and by what `verify` says. */
export async function signatureProblem(
  { method, url, headers }: Incoming,
  verify: Settings["verifySignature"],
): Promise<Refusal | null> {
  const signed = parameter(url, "x-goog-signedheaders") ?? parameter(url, "x-amz-signedheaders");
  if (signed !== null && !coversExactly(signed.toLowerCase().split(";"), headers)) {
    return doesNotMatch();
  }
  if (!verify || await verify(new Request(url, { method, headers }))) return null;
  return doesNotMatch();
}

/** Every signed header is there, and every `x-goog-*` or `x-amz-*` header is signed. */
function coversExactly(signed: readonly string[], headers: Headers): boolean {
  return signed.every((name) => name === "host" || headers.has(name)) &&
    [...headers.keys()].every((name) => !/^x-(goog|amz)-/.test(name) || signed.includes(name));
}

function parameter(url: URL, lowerCaseName: string): string | null {
  for (const [name, value] of url.searchParams) {
    if (name.toLowerCase() === lowerCaseName) return value;
  }
  return null;
}

function doesNotMatch(): Refusal {
  return {
    code: 403,
    reason: "forbidden",
    message: "The request signature we calculated does not match the signature you provided. " +
      "Check your Google secret key and signing method.",
    xmlCode: "SignatureDoesNotMatch",
  };
}
