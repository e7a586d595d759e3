// What the cases about other APIs share: where they are, and how an upload to them looks in the log.

import {
  type Checkpoint,
  upload,
  type UploadProtocol,
  type UploadSettings,
  type UploadSource,
  xGoogUpload,
} from "../../../mod.ts";
import { contentRangeProtocol } from "../../../src/protocol/content_range/mod.ts";
import type { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assertBytes, CHUNK, testClock } from "./upload_support.ts";

/** 1 MiB. */
export const MIB = 1_048_576;

/** Where uploads are started. */
export const DRIVE = "https://www.googleapis.com/upload/drive/v3/files";
export const GEMINI = "https://generativelanguage.googleapis.com/upload/v1beta/files";
export const YOUTUBE = "https://www.googleapis.com/upload/youtube/v3";
export const PHOTOS = "https://photoslibrary.googleapis.com/v1/uploads";
export const FIREBASE = "https://firebasestorage.googleapis.com/v0/b/my-bucket/o";
export const SHOWCASE = "https://showcase.googleapis.com/resumable/upload/v1beta1/files:upload";

/** Both wire protocols. */
export const PROTOCOLS: readonly UploadProtocol[] = [contentRangeProtocol, xGoogUpload];

/** What Google's reference server answers with. */
export interface Stored {
  readonly name: string;
  readonly size: number;
}

/** How an upload is made that does not wait. */
export function base(
  gcs: GcsEmulator,
): Pick<UploadSettings<unknown>, "transport" | "chunkSize" | "retry"> {
  return {
    transport: gcs.fetch,
    chunkSize: CHUNK,
    retry: { clock: testClock(), maxAttempts: 10 },
  };
}

/** Options of an upload that does not wait. */
export function quick<T>(gcs: GcsEmulator, options: UploadSettings<T> = {}): UploadSettings<T> {
  return { ...base(gcs), ...options };
}

/** Uploads with X-Goog-Upload to the endpoint of Google's reference server. */
export function putXGoog(
  gcs: GcsEmulator,
  source: UploadSource,
  options: UploadSettings<unknown> = {},
): Promise<unknown> {
  return upload(source, { ...quick(gcs, options), url: SHOWCASE, protocol: xGoogUpload });
}

/** The command, the offset and the number of bytes of every request, and the status of its reply. */
export function commands({ requests }: GcsEmulator): string[] {
  return requests.map(({ headers, bodyBytes, status }) => {
    const command = headers["x-goog-upload-command"] ?? "none";
    const offset = headers["x-goog-upload-offset"];
    return [command, offset && `@${offset}+${bodyBytes}`, status].filter(Boolean).join(" ");
  });
}

/** Fails unless exactly these bytes were uploaded, once. */
export function assertUploaded(gcs: GcsEmulator, bytes: Uint8Array): void {
  const [first, ...more] = gcs.uploads;
  if (more.length > 0) throw new Error(`expected one upload, got ${gcs.uploads.length}`);
  assertBytes(first?.bytes, bytes, "the upload");
}

/** Ends an upload when so many bytes are confirmed; the checkpoint, as it comes back from storage. */
export async function leftAt(
  persisted: number,
  start: (onCheckpoint: (checkpoint: Checkpoint) => void) => Promise<unknown>,
): Promise<Checkpoint> {
  let saved: string | undefined;
  const left = new Error("The process ended");
  const onCheckpoint = (checkpoint: Checkpoint) => {
    if (checkpoint.persisted < persisted) return;
    saved = JSON.stringify(checkpoint);
    throw left;
  };
  await start(onCheckpoint).catch((error) => {
    if (error !== left) throw error;
  });
  if (saved === undefined) throw new Error(`expected a checkpoint at ${persisted} bytes, got none`);
  return JSON.parse(saved);
}
