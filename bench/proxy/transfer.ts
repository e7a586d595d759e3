/**
 * One upload over one connection, written by hand, so that the client is not what is measured.
 *
 * @module
 */

import { connect } from "../../tests/worker/support/raw_client.ts";

/** How fast one upload is. */
export async function transfer(
  origin: string,
  bytes: number,
  chunk: Uint8Array<ArrayBuffer>,
): Promise<number> {
  using client = await connect(origin);
  const start = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;
  await client.head("POST", start, { "content-length": "0" });
  const { status, headers } = await client.reply();
  if (status !== 200) throw new Error(`The start was answered with ${status}`);
  const location = new URL(headers.get("location")!);
  const session = `${origin}${location.pathname}${location.search}`; // the bare one hands on the sink's
  const started = performance.now();
  for (let at = 0; at < bytes; at += chunk.length) {
    await client.head("PUT", session, {
      "content-length": String(chunk.length),
      "content-range": `bytes ${at}-${at + chunk.length - 1}/${bytes}`,
    });
    await client.write(chunk);
    const { status } = await client.reply();
    const expected = at + chunk.length === bytes ? 200 : 308;
    if (status !== expected) throw new Error(`Chunk ${at} was answered with ${status}`);
  }
  return bytes / ((performance.now() - started) / 1000);
}
