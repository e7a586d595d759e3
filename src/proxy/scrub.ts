/** Taking the session out of what Google says of it. */

/** Query parameters of a session URL that clients know anyway. */
const KNOWN = [
  "contentEncoding",
  "fields",
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
  "name",
  "uploadType",
];

/** The path that Google's session URLs have; any other one may be the secret itself. */
const USUAL_PATH = /^\/(?:resumable\/)?upload\/storage\/v1\/b\/[^/]+\/o$/;

/**
 * A function that takes a session URL out of a text: as a whole, its path where that is not the usual one, and the values
 * of its parameters, each in the forms in which it may have been written.
 */
export function scrubber(endpoint: string, target: string): (text: string) => string {
  let secrets: readonly string[] | undefined;
  return (text) =>
    (secrets ??= secretsOf(endpoint, target))
      .reduce((words, secret) => words.replaceAll(secret, "…"), text);
}

/** What may not be said, the longest first. */
function secretsOf(endpoint: string, target: string): string[] {
  const { pathname, search } = new URL(endpoint + target);
  const values = search.slice(1).split("&")
    .map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)])
    .filter(([key]) => !KNOWN.includes(key))
    .flatMap(([, value]) => [value, ...new URLSearchParams(`v=${value}`).getAll("v")]);
  return [
    endpoint + target,
    target,
    ...(USUAL_PATH.test(pathname) ? [] : [pathname]),
    ...values,
  ]
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .sort((a, b) => b.length - a.length);
}
