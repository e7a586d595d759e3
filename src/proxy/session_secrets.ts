/** Which texts of a reply hold something of the session's URL, and so may go nowhere. */

/** Query parameters of a session URL that clients know anyway. */
const KNOWN = [
  "contentEncoding",
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
  "name",
  "uploadType",
];

/** The path that Google's session URLs have; any other one may be the secret itself. */
const USUAL_PATH = /^\/(?:resumable\/)?upload\/storage\/v1\/b\/[^/]+\/o$/;

/** A function that says whether a text mentions a session URL: its path where that is not the usual one, and its parameters. */
export function mentions(target: string): (text: string) => boolean {
  let secrets: readonly string[] | undefined;
  return (text) => (secrets ??= secretsOf(target)).some((secret) => text.includes(secret));
}

/** What may not be said, in each of the forms in which it may be written. */
function secretsOf(target: string): string[] {
  const { pathname, search } = new URL(target, "https://google.example");
  const values = search.slice(1).split("&")
    .map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)])
    .filter(([key]) => !KNOWN.includes(key))
    .flatMap(([, value]) => [value, ...new URLSearchParams(`v=${value}`).getAll("v")]);
  return [...(USUAL_PATH.test(pathname) ? [] : [pathname]), ...values]
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, encodeURIComponent(secret)]);
}
