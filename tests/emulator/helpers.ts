// Bytes, URLs and requests that the tests of the emulator share.

import type { GcsEmulator } from "../../src/emulator/mod.ts";

/** 256 KiB. */
export const U = 262_144;
export const ORIGIN = "https://storage.googleapis.com";
export const UPLOAD: string = `${ORIGIN}/upload/storage/v1/b/bucket/o`;
export const OBJECTS: string = `${ORIGIN}/storage/v1/b/bucket/o`;

/** Bytes without a period of 256 KiB, so that a misplaced quantum shows. */
export function data(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * seed + (i >>> 8) * 7 + (i >>> 16) * 31) & 255;
  return bytes;
}

/** Starts a session and gives its URL. */
export async function start(
  gcs: GcsEmulator,
  query = "name=a.bin",
  init: RequestInit = {},
): Promise<string> {
  const response = await gcs.fetch(`${UPLOAD}?uploadType=resumable&${query}`, {
    method: "POST",
    ...init,
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.headers.get("location")!;
}

/** A request on a session. */
export function put(
  gcs: GcsEmulator,
  session: string,
  contentRange: string | null,
  body: BodyInit | null = null,
  headers: Record<string, string> = {},
): Promise<Response> {
  return gcs.fetch(session, {
    method: "PUT",
    body,
    headers: { ...headers, ...(contentRange === null ? {} : { "content-range": contentRange }) },
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });
}

/** Where a session stands: "status range". */
export async function standing(gcs: GcsEmulator, session: string): Promise<string> {
  const response = await put(gcs, session, "bytes */*");
  await response.body?.cancel();
  return `${response.status} ${response.headers.get("range")}`;
}

/** A stream that gives the pieces, then ends or fails. */
export function stream(pieces: Uint8Array[], failure?: unknown): ReadableStream<Uint8Array> {
  const rest = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const piece = rest.shift();
      if (piece) controller.enqueue(piece);
      else if (failure !== undefined) controller.error(failure);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** The first error detail of a JSON error. */
export async function detail(response: Response): Promise<Record<string, unknown>> {
  const { error } = await response.json();
  return { code: error.code, ...error.errors[0] };
}
