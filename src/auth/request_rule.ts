/** The rule of which request is given a credential. */

import type { OriginTest } from "./token_origins.ts";

/**
 * What a request needs.
 *
 * - `credential`: one is added.
 * - `nothing`: it is allowed already, or belongs to a session, whose URL is all it takes.
 * - `elsewhere`: it may need one, but goes to an origin that gets none.
 */
export type Need = "credential" | "nothing" | "elsewhere";

/** Query parameters that are a credential themselves: of a session, of signed URLs, of OAuth. */
const CREDENTIALS = new Set([
  "upload_id",
  "x-goog-signature",
  "x-amz-signature",
  "signature",
  "access_token",
]);

/** What a request needs, where credentials may go to the URLs that `isListed` knows. */
export function needOf(input: string, init: RequestInit, isListed: OriginTest): Need {
  const url = URL.canParse(input) ? new URL(input) : undefined;
  if (!url) return "elsewhere";
  const headers = new Headers(init.headers);
  const isAllowed = headers.has("authorization") || isOfSession(headers) ||
    [...url.searchParams.keys()].some((name) => CREDENTIALS.has(name.toLowerCase()));
  if (isAllowed) return "nothing";
  return isListed(url) ? "credential" : "elsewhere";
}

/**
 * Whether a request belongs to a session that is open already, by its headers: in the one wire protocol only such
 * requests have a Content-Range, in the other they have a command that is not the one to start.
 */
function isOfSession(headers: Headers): boolean {
  if (headers.has("content-range")) return true;
  const commands = headers.get("x-goog-upload-command")?.toLowerCase().split(/\s*,\s*/);
  return commands !== undefined && !commands.includes("start");
}
