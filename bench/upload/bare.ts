/** The least that uploads what can be read anywhere: one PUT with a streamed body, nothing hashed, nothing retried. */

import type { ByteSource } from "../../mod.ts";

/** Bytes that are read, and handed to `fetch`, at once. */
const PIECE = 1_048_576;

/** Uploads a source; returns the CRC32C that the server computed. */
export async function bareUpload(
  origin: string,
  source: ByteSource,
  signal?: AbortSignal,
): Promise<string> {
  const start = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;
  const started = await fetch(start, { method: "POST", signal: signal ?? null });
  await started.arrayBuffer();
  const size = source.size!;
  const init: RequestInit & { duplex: "half"; window: null } = {
    method: "PUT",
    headers: {
      "content-length": `${size}`,
      "content-range": `bytes 0-${size - 1}/${size}`,
      "x-guploader-no-308": "yes",
    },
    body: streamOf(source),
    duplex: "half",
    redirect: "error", // in every other mode Node copies the body
    window: null,
    signal: signal ?? null,
  };
  const reply = await fetch(started.headers.get("location")!, init);
  const text = await reply.text();
  if (!reply.ok) throw new Error(`Answered with ${reply.status}: ${text}`);
  return JSON.parse(text).crc32c;
}

function streamOf(source: ByteSource): ReadableStream<Uint8Array> {
  let at = 0;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const piece = await source.read(at, Math.min(PIECE, source.size! - at));
    at += piece.length;
    controller.enqueue(piece);
    if (at < source.size!) return;
    controller.close();
    await source.close?.();
  };
  return new ReadableStream({ pull }, { highWaterMark: 1 });
}
