/**
 * Google's credentials as a transport: a function with the shape of `fetch` that adds an access token to the requests
 * that need one, and to no others.
 *
 * | where the program runs | use |
 * | --- | --- |
 * | on Google Cloud | {@linkcode metadataServerTransport} |
 * | elsewhere, where another platform vouches for it | {@linkcode externalAccountTransport} |
 * | elsewhere, with a service account's key | {@linkcode serviceAccountTransport} |
 * | for a user who has signed in once | {@linkcode authorizedUserTransport} |
 * | with a file of whatever kind | {@linkcode credentialsTransport} |
 * | as a service account, with other credentials | {@linkcode impersonatedTransport} |
 * | in a browser, in scripts, with a library for credentials | {@linkcode staticTokenTransport} |
 * | on servers, for the Gemini API | {@linkcode apiKeyTransport} |
 *
 * Only web standards are used, and nothing is read from the environment. The one dependency is `jose`.
 *
 * @example A token from elsewhere
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { staticTokenTransport } from "@resumable-media/upload/auth";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const { fetch } = new GcsEmulator(); // leave this out, here and below, to reach Google
 * const transport = staticTokenTransport("ya29.a0", { fetch });
 * const object = await upload("hello", { bucket: "my-bucket", name: "hello.txt", transport });
 * console.log(object.size); // 5
 * ```
 *
 * @module
 */

export { UploadError, type UploadErrorCode } from "../errors.ts";
export type { Clock } from "../net/clock.ts";
export type { RetryEvent, RetryOptions } from "../net/retry.ts";
export type { Transport } from "../net/transport.ts";
export { apiKeyTransport } from "./api_key.ts";
export { type AuthorizedUser, authorizedUserTransport } from "./authorized_user.ts";
export {
  type Credentials,
  type CredentialsOptions,
  credentialsTransport,
  type ImpersonatedServiceAccount,
} from "./credentials_transport.ts";
export {
  type AccessRule,
  type DownscopedToken,
  downscopedToken,
  type DownscopeOptions,
} from "./downscoped_token.ts";
export {
  type ExternalAccount,
  type ExternalAccountOptions,
  externalAccountTransport,
} from "./external_account.ts";
export type { ExternalAccountAuthorizedUser } from "./external_user.ts";
export { impersonatedTransport, type ImpersonationOptions } from "./impersonation.ts";
export { type MetadataServerOptions, metadataServerTransport } from "./metadata_server.ts";
export type { AuthOptions, TokenOptions } from "./auth_options.ts";
export type { ServiceAccountKey } from "./service_account.ts";
export {
  type ServiceAccountOptions,
  serviceAccountTransport,
} from "./service_account_transport.ts";
export type { SubjectTokenOptions } from "./subject_token.ts";
export { staticTokenTransport, type TokenValue } from "./static_token.ts";
