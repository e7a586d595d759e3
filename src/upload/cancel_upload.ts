/** Giving up a session that is not needed any more, from what is known of it. */

import { type RetryOptions, type RetryPolicy, retryPolicy } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import { defaultTransport, type Transport } from "../net/transport.ts";
import { contentRangeProtocol } from "../protocol/content_range/mod.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import type { UploadProtocol } from "../protocol/upload_protocol.ts";
import { isSessionUrl } from "../protocol/upload_url.ts";
import { checkCheckpoint, type Checkpoint, checkProtocol } from "./checkpoint.ts";
import { checkOptions, checkTransport } from "./check_arguments.ts";
import { checkHeaders } from "./headers.ts";
import { checkSessionUrl } from "./session_url.ts";
import { expecting, request } from "./request.ts";

/** Options of {@linkcode cancelUpload}. */
export interface CancelOptions {
  /** Sends the request. The default is `fetch`: a session needs no credentials. */
  transport?: Transport | undefined;
  /** Headers of the request; credentials among them are not sent. */
  headers?: HeadersInit | undefined;
  /** How failures that may pass are retried; `false` and `null` never retry. */
  retry?: RetryOptions | false | null | undefined;
  /** The wire protocol of the session. The default is that of `Content-Range` and 308. */
  protocol?: UploadProtocol | undefined;
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Ends a session that nobody wants to go on with, and with it what the server has stored of it. The source is not needed. A
 * session that is gone already is no error, and an object that was finished stays as it is.
 *
 * @param session a checkpoint, or the URL of the session
 *
 * @example
 * ```ts
 * import { cancelUpload, type Checkpoint, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch;
 * let saved: Checkpoint | undefined;
 * const onCheckpoint = (checkpoint: Checkpoint) => {
 *   saved = checkpoint;
 *   throw new Error("The user has changed their mind");
 * };
 * const target = { bucket: "my-bucket", name: "a.txt", transport, onCheckpoint };
 * await upload("hello", target).catch(() => {});
 * await cancelUpload(saved!, { transport });
 * ```
 */
export async function cancelUpload(
  session: Checkpoint | string | URL,
  options: CancelOptions = {},
): Promise<void> {
  checkOptions(options, ["transport", "headers", "retry", "protocol", "signal"], "cancelUpload");
  const isUrl = typeof session === "string" || session instanceof URL;
  const from = isUrl ? undefined : checkCheckpoint(session);
  const { transport = defaultTransport, signal } = options;
  const protocol = chosenProtocol(options.protocol);
  checkTransport(transport);
  if (from) checkProtocol(from, protocol);
  const url = from ? from.sessionUrl : checkSession(session as string | URL, protocol);
  const { headers } = checkHeaders(options.headers);
  const policy = retryPolicy(options.retry);
  await cancelSession({ url, headers, protocol, policy, transport, signal });
}

/** The URL of a session. With a DELETE, which may mean an object, it must be known to be one. */
function checkSession(session: string | URL, protocol: UploadProtocol): string {
  const url = checkSessionUrl(session, protocol);
  if (protocol !== contentRangeProtocol || isSessionUrl(url)) return url;
  throw new TypeError("session: expected the URL of a session, with upload_id, got another one");
}

/** What is needed to end a session. */
export interface CancelRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly protocol: UploadProtocol;
  readonly policy: RetryPolicy;
  readonly transport: Transport;
  readonly signal: AbortSignal | undefined;
}

/** Ends a session at the server. */
export async function cancelSession(
  { url, headers, protocol, policy, transport, signal }: CancelRequest,
): Promise<Reply> {
  const { reply } = await request(expecting((reply) => protocol.isCancelled(reply)), {
    transport,
    request: { ...protocol.cancel(url, headers), body: null },
    policy,
    signal,
    action: "cancel",
    isSession: true,
  });
  return reply;
}
