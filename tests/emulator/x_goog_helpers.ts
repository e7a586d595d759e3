// Requests of `X-Goog-Upload` that the tests of the emulator share.

import type { GcsEmulator } from "../../src/emulator/mod.ts";

/** The upload URL of Google's reference server. */
export const SHOWCASE = "https://showcase.googleapis.com/resumable/upload/v1beta1/files:upload";

/** The headers of a start. */
export function startHeaders(more: Record<string, string> = {}): Record<string, string> {
  return { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start", ...more };
}

/** Starts a session and gives its URL. */
export async function openSession(
  gcs: GcsEmulator,
  url: string = SHOWCASE,
  headers: Record<string, string> = {},
  body: string | null = null,
): Promise<string> {
  const reply = await gcs.fetch(url, { method: "POST", headers: startHeaders(headers), body });
  if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`);
  return reply.headers.get("x-goog-upload-url")!;
}

/** A command on a session. */
export function command(
  gcs: GcsEmulator,
  session: string,
  commands: string,
  offset?: number,
  body: BodyInit | null = null,
  init: RequestInit = {},
): Promise<Response> {
  return gcs.fetch(session, {
    method: "POST",
    body,
    headers: {
      "x-goog-upload-command": commands,
      ...(offset !== undefined && { "x-goog-upload-offset": String(offset) }),
    },
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    ...init,
  });
}

/** Status code, status and size received of a reply, as one text. */
export function said(reply: Response): string {
  const { headers } = reply;
  return `${reply.status} ${headers.get("x-goog-upload-status")} ${
    headers.get("x-goog-upload-size-received")
  }`;
}
