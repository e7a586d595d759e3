/** Sending a request with a credential in a header. */

import { UploadError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { formsOf, redacting } from "./redacting.ts";

/**
 * Sends a request with one more header, which is a secret. Whatever else the request has is handed on as it is, a
 * body that is a stream with all that this platform needs for it.
 *
 * A redirect is not followed: not every runtime drops the header on the way to another host.
 */
export async function sendWithCredential(
  fetch: Transport,
  input: string,
  init: RequestInit,
  credential: { readonly header: string; readonly value: string; readonly secret: string },
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set(credential.header, credential.value);
  const redirect = init.redirect === "error" ? "error" : "manual";
  const reply = await redacting(fetch, formsOf([credential.secret]))(input, {
    ...init,
    headers,
    redirect,
  });
  if (reply.type === "opaqueredirect") { // what browsers make of "manual": nothing in it can be read
    throw new UploadError(
      "invalid_response",
      "Cannot send a request with credentials: expected a reply, got a redirect, which is not followed",
    );
  }
  return reply;
}

/**
 * The reply to a request that went without a credential, because its origin gets none. A 401 says that it would have
 * taken one, so the error says why there was none: nothing else that the caller sees could.
 */
export function withoutCredential(input: string, reply: Response): Response {
  if (reply.status !== 401) return reply;
  discard(reply);
  const got = URL.canParse(input) ? new URL(input).origin : "a URL that is none";
  throw new UploadError(
    "rejected",
    `Cannot send a request with credentials: expected one of the origins that get them (the option ` +
      `"origins"), got ${got}, which answered 401 without`,
    { status: 401 },
  );
}

/** Lets go of a reply that nobody will read, and waits for nothing: its stream may never answer. */
export function discard(reply: Response): void {
  reply.body?.cancel().catch(() => {});
}
