/** Where a token may go: the origins that were named, and nowhere else. */

/** Google's APIs, whatever the service and the region. */
const GOOGLE_ORIGINS: readonly string[] = ["https://*.googleapis.com"];

/** Whether a URL belongs to one of the origins. */
export type OriginTest = (url: URL) => boolean;

/**
 * A test for a list of origins; without a list it is Google's.
 *
 * `https://*.example.com` stands for every host below `example.com`, with https and its own port, and for no other.
 */
export function originTest(origins: readonly string[] = GOOGLE_ORIGINS): OriginTest {
  if (!Array.isArray(origins)) {
    throw new TypeError(`origins: expected an array, got ${typeof origins}`);
  }
  const tests = origins.map(oneOrigin);
  return (url) => tests.some((test) => test(url));
}

function oneOrigin(origin: string): OriginTest {
  const suffix = /^https:\/\/\*(\.[\w-]+(?:\.[\w-]+)+)$/.exec(origin)?.[1]?.toLowerCase();
  if (suffix !== undefined) {
    return ({ protocol, port, hostname }) =>
      protocol === "https:" && port === "" && hostname.endsWith(suffix);
  }
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const exact = url && /^https?:$/.test(url.protocol) && !url.hostname.includes("*") &&
    (origin === url.origin || origin === `${url.origin}/`);
  if (!exact) {
    throw new TypeError(
      `origins: expected origins such as "https://storage.googleapis.com" or "https://*.googleapis.com", got ${
        JSON.stringify(origin)
      }`,
    );
  }
  return (other) => other.origin === url.origin;
}
