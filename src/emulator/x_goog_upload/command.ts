/**
 * What the headers `X-Goog-Upload-Protocol` and `X-Goog-Upload-Command` ask for.
 *
 * @module
 */

import type { Incoming } from "../incoming.ts";
import type { RequestKind } from "../record.ts";

/** Whether a request speaks `X-Goog-Upload`. */
export function speaksXGoogUpload({ headers, url }: Pick<Incoming, "headers" | "url">): boolean {
  return headers.has("x-goog-upload-command") || headers.has("x-goog-upload-protocol") ||
    (url.searchParams.has("upload_protocol") && !url.searchParams.has("upload_id"));
}

/** Which way of uploading a start asks for. */
export function protocolOf({ headers, url }: Pick<Incoming, "headers" | "url">): string | null {
  const named = headers.get("x-goog-upload-protocol") ?? url.searchParams.get("upload_protocol");
  return named?.trim().toLowerCase() ?? null;
}

/** The commands of a request, in lower case. */
export function commandsOf(headers: Headers): ReadonlySet<string> {
  const listed = (headers.get("x-goog-upload-command") ?? "").toLowerCase().split(",");
  return new Set(listed.map((command) => command.trim()).filter((command) => command !== ""));
}

/** What a start is for. */
export function startKind(incoming: Pick<Incoming, "headers" | "url">): RequestKind {
  const protocol = protocolOf(incoming);
  if (protocol === "raw") return "media";
  if (protocol === "multipart") return "multipart";
  return commandsOf(incoming.headers).has("start") ? "initiate" : "other";
}

/** What a request on a session is for. */
export function commandKind(headers: Headers): RequestKind {
  const commands = commandsOf(headers);
  if (commands.has("query")) return "status";
  if (commands.has("cancel")) return "cancel";
  if (!commands.has("upload")) return commands.has("finalize") ? "finalize" : "other";
  return commands.has("finalize") ? "final" : "chunk";
}
