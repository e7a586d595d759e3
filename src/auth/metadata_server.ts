/** Tokens of the machine: Compute Engine, Cloud Run, Cloud Functions, Kubernetes Engine. */

import type { Transport } from "../net/transport.ts";
import { ACCESS_TOKEN } from "./access_token.ts";
import { contextOf, transportOf } from "./context.ts";
import type { TokenOptions } from "./auth_options.ts";
import type { Token } from "./token_cache.ts";
import { requestToken, type TokenRequest } from "./token_request.ts";

/** Options of {@linkcode metadataServerTransport}. */
export interface MetadataServerOptions extends TokenOptions {
  /**
   * Where the metadata server is: a host, perhaps with a port. Nothing is read from the environment; where a
   * program honours `GCE_METADATA_HOST`, hand its value in here.
   *
   * @default {"metadata.google.internal"}
   */
  host?: string | undefined;
}

const PATH = "/computeMetadata/v1/instance/service-accounts/default/token";

/**
 * A transport with the credentials of the machine it runs on: the service account of a Compute Engine instance, of a
 * Cloud Run service, of a pod with workload identity. There is no key that could be lost, so prefer it to
 * {@linkcode serviceAccountTransport} on Google Cloud.
 *
 * The token is fetched by the first request that needs one, kept, and renewed before its end. The server keeps tokens
 * too, and may hand one out with little life left; its `expires_in` is believed.
 *
 * Throws a `TypeError` for options that cannot work. The transport rejects with an {@linkcode UploadError} when there is
 * no token: `rejected` (404: the machine has no service account), `invalid_response` (whoever answered is not the
 * metadata server), or `unavailable`, `transport_failed` and `deadline_exceeded` after the retries.
 *
 * Sources: [access tokens for workloads](https://cloud.google.com/compute/docs/access/authenticate-workloads#applications),
 * [AIP-4115](https://google.aip.dev/auth/4115).
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { metadataServerTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * // On Google Cloud this is all: const transport = metadataServerTransport();
 * const gcs = new GcsEmulator();
 * const transport = metadataServerTransport({
 *   fetch: (input, init) =>
 *     new URL(input).host === "metadata.google.internal"
 *       ? Promise.resolve(Response.json(
 *         { access_token: "ya29.a0", expires_in: 3599, token_type: "Bearer" },
 *         { headers: { "metadata-flavor": "Google" } },
 *       ))
 *       : gcs.fetch(input, init),
 * });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function metadataServerTransport(options: MetadataServerOptions = {}): Transport {
  const context = contextOf(options, ["host"]);
  const request = tokenRequest(options.host, context.scopes);
  return transportOf({ obtain: () => requestToken(request, context.server) }, context, options);
}

function tokenRequest(
  host = "metadata.google.internal",
  scopes: readonly string[] | undefined,
): TokenRequest<Token> {
  if (!/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host) || !URL.canParse(`http://${host}`)) {
    throw new TypeError(
      `host: expected a host such as "169.254.169.254", got ${JSON.stringify(host)}`,
    );
  }
  const url = new URL(PATH, `http://${host}`);
  if (scopes !== undefined) url.searchParams.set("scopes", scopes.join(","));
  return {
    ...ACCESS_TOKEN,
    method: "GET",
    url: url.href,
    headers: { "metadata-flavor": "Google" },
    body: null,
    check: (headers) =>
      headers.get("metadata-flavor") === "Google"
        ? undefined
        : "the metadata server's Metadata-Flavor: Google",
  };
}
