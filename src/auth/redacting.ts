/** A transport that does not repeat, in its errors, what it was given to send. */

import { UploadError } from "../errors.ts";
import { withoutSecrets } from "../net/redact.ts";
import type { Transport } from "../net/transport.ts";

/** Shorter texts are no secrets, and would be found everywhere. */
const SHORTEST = 6;

/** Secrets in the forms in which they are sent: as they are, and as a form has them. */
export function formsOf(secrets: readonly string[]): readonly string[] {
  return secrets.filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [secret, encodeURIComponent(secret)]);
}

/**
 * The transport, with errors that hold none of `secrets`. An abort and an `UploadError` come out as they are, and so does
 * any error that holds no secret.
 */
export function redacting(fetch: Transport, secrets: readonly string[]): Transport {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      if (error instanceof UploadError || init.signal?.aborted) throw error;
      throw withoutSecrets(error, secrets);
    }
  };
}
