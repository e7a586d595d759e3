/** The error for a request that got no reply, without the secrets that the transport's own may quote. */

import { UploadError } from "../errors.ts";
import type { RequestHead } from "../protocol/upload_protocol.ts";
import { describeError, secretsOf, withoutSecrets } from "./redact.ts";

/** Says what could not be done, which server was asked and what the transport said. */
export function transportFailure(
  { method, url, headers }: RequestHead,
  error: unknown,
  action: string = method,
): UploadError {
  const secrets = secretsOf(url, headers);
  const words = describeError(error, secrets);
  const { host, origin } = new URL(url);
  return new UploadError(
    "transport_failed",
    `Cannot ${action}: expected a reply from ${host}, but the transport failed${
      words && `: ${words}`
    }${isOfAnotherPage(origin) && !words.includes("CORS") ? `. ${CORS}` : ""}`,
    { cause: withoutSecrets(error, secrets) },
  );
}

/** Browsers hide from pages whether a server was not reached, or did not allow them to read its reply. */
const CORS =
  "In a page this is also what a server looks like that does not allow the page's origin (CORS)";

/** Whether this is a page, or a worker of one, from somewhere else than the server. */
function isOfAnotherPage(origin: string): boolean {
  const { location } = globalThis as { location?: { origin?: string } };
  return typeof location?.origin === "string" && location.origin !== origin &&
    ("document" in globalThis || "WorkerGlobalScope" in globalThis);
}
