/** A transport that does not repeat, in its errors, what it was given to send. */

import { UploadError } from "../errors.ts";
import { withoutSecrets } from "../net/redact.ts";
import type { Transport } from "../net/transport.ts";

/** Shorter texts are no secrets, and would be found everywhere. */
const SHORTEST = 6;

/**
 * The transport, with errors that hold none of `secrets`, neither as they are nor as a form has them. An abort and an
 * `UploadError` come out as they are, and so does any error that holds no secret.
 */
export function redacting(fetch: Transport, secrets: readonly string[]): Transport {
  const hidden = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)])
    .filter((secret) => secret.length >= SHORTEST);
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      if (error instanceof UploadError || init.signal?.aborted) throw error;
      throw withoutSecrets(error, hidden);
    }
  };
}
