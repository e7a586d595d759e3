/** The credentials of a service account, by its key. */

import type { Transport } from "../net/transport.ts";
import { type AuthContext, contextOf, type Grant, transportOf } from "./context.ts";
import { oauthToken } from "./oauth_token.ts";
import { READ_WRITE, type TokenOptions } from "./auth_options.ts";
import { selfSigned } from "./self_signed.ts";
import { ADDRESS, checkKey, type ServiceAccountKey } from "./service_account.ts";

/** Options of {@linkcode serviceAccountTransport}. */
export interface ServiceAccountOptions extends TokenOptions {
  /**
   * Where the token comes from.
   *
   * - `self-signed`: the transport signs it. No request, nothing that could be down: the right one for Cloud Storage.
   * - `oauth`: Google's authorization server gives one for a signed assertion. A request an hour, and the shorter token.
   *   For what does not take self-signed tokens, and for keys whose ID is unknown.
   *
   * The default is `self-signed`, and `oauth` where there is a `subject`.
   *
   * @default {"self-signed"}
   */
  token?: "self-signed" | "oauth" | undefined;
  /**
   * The address of a user of Google Workspace, on whose behalf the requests are made (domain-wide delegation): a file in
   * Drive is then that user's. An administrator allows the account's client ID the same `scopes`. It takes a token of
   * Google's authorization server; a self-signed one cannot speak for somebody else.
   */
  subject?: string | undefined;
}

/**
 * A transport with the credentials of a service account.
 *
 * A token is made by the first request that needs one, is kept as long as the transport, and lives for an hour. In its
 * last five minutes it is renewed in the background; requests do not wait for that, nor fail with it. Make one transport
 * and keep it: what is kept is kept in it.
 *
 * The token goes only to `origins`, is never sent after a redirect, and is left out where a request has a credential:
 * an `Authorization` header of the caller, a signed URL, a session URL. After a 401 the request is sent once more with a
 * new token, unless its body is a stream.
 *
 * Throws a `TypeError` for a key or options that cannot work, naming the member at fault and never its value. The
 * transport rejects with an {@linkcode UploadError} when there is no token: `rejected` for a key that cannot sign or
 * that Google refuses; with `token: "oauth"` also `invalid_response`, or, after the retries, `unavailable`,
 * `transport_failed` and `deadline_exceeded`.
 *
 * The key is a secret that is good until somebody deletes it. It belongs on servers, in the platform's store of secrets;
 * in a browser use {@linkcode staticTokenTransport} or a proxy, and on Google Cloud {@linkcode metadataServerTransport}.
 *
 * Sources: [self-signed tokens](https://google.aip.dev/auth/4111),
 * [OAuth for service accounts](https://developers.google.com/identity/protocols/oauth2/service-account).
 *
 * @param credentials the JSON of the key file as a string, or the object in it
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { serviceAccountTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * // Yours is a file from Google; this one is made on the spot.
 * const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
 * const { privateKey } = await crypto.subtle.generateKey(
 *   { ...rsa, publicExponent: new Uint8Array([1, 0, 1]) },
 *   true,
 *   ["sign", "verify"],
 * );
 * const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
 * const credentials = {
 *   type: "service_account",
 *   client_email: "uploader@my-project.iam.gserviceaccount.com",
 *   private_key_id: "4f2c",
 *   private_key: `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...pkcs8))}\n-----END PRIVATE KEY-----\n`,
 * };
 *
 * const { fetch } = new GcsEmulator(); // leave this out, here and below, to reach Google
 * const transport = serviceAccountTransport(credentials, { fetch });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 */
export function serviceAccountTransport(
  credentials: string | ServiceAccountKey,
  options: ServiceAccountOptions = {},
): Transport {
  const context = contextOf(options, ["token", "subject"]);
  return transportOf(serviceAccountGrant(credentials, context, options), context, options);
}

/** How tokens of a key are made. */
export function serviceAccountGrant(
  credentials: unknown,
  context: AuthContext,
  { subject, token = subject === undefined ? "self-signed" : "oauth" }: Pick<
    ServiceAccountOptions,
    "subject" | "token"
  >,
): Grant {
  const key = checkKey(credentials);
  if (token !== "self-signed" && token !== "oauth") {
    throw new TypeError(`token: expected "self-signed" or "oauth", got another ${typeof token}`);
  }
  if (subject !== undefined) checkSubject(subject, token);
  const { scopes = READ_WRITE, server, isListed } = context;
  return {
    obtain: token === "oauth"
      ? oauthToken({ key, scopes, subject, server, isListed })
      : selfSigned(key, scopes),
  };
}

function checkSubject(subject: unknown, token: "self-signed" | "oauth"): void {
  if (typeof subject !== "string" || !ADDRESS.test(subject)) {
    throw new TypeError(
      `subject: expected the address of a user, such as "user@example.com", got ${
        typeof subject === "string" ? JSON.stringify(subject) : typeof subject
      }`,
    );
  }
  if (token !== "oauth") {
    throw new TypeError(
      'subject: expected token: "oauth", got "self-signed", which cannot speak for a user',
    );
  }
}
