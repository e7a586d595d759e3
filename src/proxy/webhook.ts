/** `onFinish` without code: a signed request to the operator's own server, as Standard Webhooks has them. */

import type { Transport } from "../net/transport.ts";
import type { FinishEvent } from "./hooks.ts";
import { letGo } from "./body_pieces.ts";
import { checkRandom } from "./secrets.ts";
import { isSafeUrl } from "./safe_url.ts";
import { SettingError } from "./setting_error.ts";

/** Where finished objects are told of. */
export interface WebhookOptions {
  /** An https URL, or one of this machine. */
  readonly url: string;
  /** `whsec_` and 24 to 64 random bytes in base64. */
  readonly secret: string;
  /** The default is `fetch`. */
  readonly fetch?: Transport | undefined;
  /** The time in milliseconds. */
  readonly now?: (() => number) | undefined;
}

/** How long the receiver may take, in milliseconds. */
const DEADLINE = 10_000;

/**
 * An `onFinish` that posts the event, signed with HMAC-SHA256, and takes any 2xx for an answer. With anything else it fails,
 * so that the client asks again and the event is sent again, with the same `webhook-id`.
 *
 * @throws {SettingError} the URL or the secret is none
 */
export function finishWebhook(options: WebhookOptions): (event: FinishEvent) => Promise<void> {
  const { url, now = Date.now, fetch: send = (input, init) => fetch(input, init) } = options;
  checkUrl(url);
  const bytes = secretBytes(options.secret);
  let key: Promise<CryptoKey> | undefined;
  return async ({ id, ...data }) => {
    key ??= crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const seconds = Math.floor(now() / 1000);
    const timestamp = new Date(seconds * 1000).toISOString();
    const body = JSON.stringify({ type: "upload.finished", timestamp, data });
    const signed = new TextEncoder().encode(`${id}.${seconds}.${body}`);
    const signature = await crypto.subtle.sign("HMAC", await key, signed);
    const response = await send(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(seconds),
        "webhook-signature": `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`,
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(DEADLINE),
    });
    letGo(response.body);
    if (response.status < 200 || response.status > 299) {
      throw new Error(`FINISH_WEBHOOK_URL answered ${response.status}`);
    }
  };
}

function checkUrl(text: string): void {
  if (isSafeUrl(text)) return;
  throw new SettingError("FINISH_WEBHOOK_URL", "an https URL, got something else");
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1] ?? "";
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  try {
    bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch { /* said below */ }
  if (!bytes || bytes.length < 24 || bytes.length > 64) {
    throw new SettingError(
      "FINISH_WEBHOOK_SECRET",
      "whsec_ and 24 to 64 bytes in base64, got something else",
    );
  }
  checkRandom("FINISH_WEBHOOK_SECRET", bytes);
  return bytes;
}
