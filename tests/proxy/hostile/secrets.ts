// What must never come out of the proxy, and where it is looked for.

import { assert, assertEquals } from "@std/assert";

/** Secrets, as they become known. */
export class Secrets {
  /** They may be in no reply and in no line of the log. */
  readonly always: Set<string>;
  /** Sealed sessions: only the reply to a start may show one, in its `Location` or `X-Goog-Upload-URL`. */
  readonly sealed: Set<string> = new Set();

  constructor(known: readonly string[]) {
    this.always = new Set(known);
  }

  /** Takes the ticket and the sealed session of a request to the proxy. */
  ofRequest({ url, headers }: Request): void {
    const authorization = headers.get("authorization")?.split(/ +/).at(-1);
    for (const ticket of [authorization, headers.get("x-goog-api-key")]) {
      if (ticket && ticket.length > 16) this.always.add(ticket);
    }
    const token = URL.canParse(url) ? new URL(url).searchParams.get("upload_id") : null;
    if (token && token.length > 16) this.sealed.add(token);
  }

  /** Takes the session of a reply of Google's: its URL, the path with the query, and its id. */
  ofGoogle({ headers }: Response): void {
    const location = headers.get("location");
    if (location && URL.canParse(location)) {
      const { pathname, search, searchParams } = new URL(location);
      for (const secret of [location, pathname + search, searchParams.get("upload_id")]) {
        if (secret) this.always.add(secret);
      }
      if (pathname.length > 4 && !pathname.endsWith("/o")) this.always.add(pathname);
    }
    const id = headers.get("x-guploader-uploadid");
    if (id) this.always.add(id);
  }
}

/** Headers of replies: those of the proxy, and those of Google's that clients need. */
const REPLY_HEADERS =
  /^(?:accept-patch|allow|cache-control|content-(?:length|security-policy|type)|etag|location|range|retry-after|server-timing|tus-(?:extension|max-size|resumable|version)|upload-(?:complete|defer-length|draft-interop-version|expires|incomplete|length|limit|metadata|offset)|vary|www-authenticate|x-content-type-options|x-goog-(?:generation|hash|metageneration|running-hash|stored-content-(?:encoding|length)|upload-(?:chunk-granularity|control-url|size-received|status|url))|x-http-status-code-override|x-max-chunk-bytes|x-range-md5)$/;

/** Where the reply to a start shows the sealed session. */
const SESSION_HEADERS = ["location", "x-goog-upload-control-url", "x-goog-upload-url"];

/** Characters that are commands to a terminal, break a line, or turn the direction of text. */
export const UNPRINTABLE: RegExp =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** The most characters of a line of the log. */
const MAX_LINE = 1024;

/** Looks through headers and body of a reply, and through the log as it is printed. */
export async function assertNoSecret(
  reply: Response,
  lines: readonly string[],
  secrets: Secrets,
): Promise<void> {
  const body = await reply.text();
  const location = reply.headers.get("location") ?? reply.headers.get("x-goog-upload-url");
  const token = location && new URL(location).searchParams.get("upload_id");
  if (token) secrets.sealed.add(token);
  assert(
    location === null || reply.status === 200 || reply.status === 201 ||
      reply.headers.has("upload-complete"), // a creation of the IETF's whose bytes failed
    "a Location is for starts only",
  );
  const headers = [...reply.headers].filter(([name]) => !SESSION_HEADERS.includes(name));
  const strange = [...reply.headers.keys()].filter((name) => !REPLY_HEADERS.test(name));
  assertEquals(strange, [], "headers of the reply");
  const shown = `${headers.map((header) => header.join(": ")).join("\n")}\n${body}`;
  for (const secret of [...secrets.always, ...secrets.sealed]) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      assert(!shown.includes(form), `a secret in the reply: ${shown}`);
      assert(!lines.some((line) => line.includes(form)), `a secret in the log: ${lines}`);
      assert(secrets.sealed.has(secret) || !location?.includes(form), "a secret in the Location");
    }
  }
  for (const line of lines) {
    assert(!UNPRINTABLE.test(line), `a line of the log: ${JSON.stringify(line)}`);
    assert(line.length <= MAX_LINE, `a line of the log has ${line.length} characters`);
    assertEquals(typeof JSON.parse(line).status, "number");
  }
  const message = /^\{"error":/.test(body) ? `${JSON.parse(body).error.message}` : "";
  assert(!UNPRINTABLE.test(message), `a message: ${JSON.stringify(message)}`);
}
