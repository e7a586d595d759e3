// A program of somebody who uses the library: every line of it compiles with the strictest settings.

import {
  cancelUpload,
  type Checkpoint,
  type CheckpointStore,
  type ObjectMetadata,
  ResumableUpload,
  type RetryOptions,
  type StorageObject,
  type Transport,
  type TransportInit,
  upload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadErrorCode,
  type UploadOptions,
  type UploadProgress,
  type UploadSource,
  type UploadStream,
  uploadStream,
} from "../../mod.ts";
import {
  uploadMany,
  type UploadManyItem,
  type UploadManyResult,
  type UploadManyRun,
} from "../../src/parallel/mod.ts";

const to = { bucket: "my-bucket", name: "a.txt" };

/** What people have in their hands. */
export async function sources(stream: ReadableStream<Uint8Array>, file: File): Promise<void> {
  const bytes: Uint8Array = new Uint8Array(1);
  const own: Uint8Array<ArrayBuffer> = new Uint8Array(1);
  const anywhere: ArrayBufferLike = new SharedArrayBuffer(1);
  await upload(new Uint8Array(1), to);
  await upload(bytes, to);
  await upload(own, to);
  await upload(new Uint8Array(anywhere), to);
  await upload(new DataView(new ArrayBuffer(1)), to);
  await upload(new ArrayBuffer(1), to);
  await upload("text", to);
  await upload(file, to);
  await upload(stream, to);
  await upload({ size: 1, read: () => Promise.resolve(bytes) }, to);
  await upload(pieces(), to);
  const any: UploadSource = file.stream();
  await upload(any, to);
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new Uint8Array(1));
}

/** Options that may be there or not, as they come from the options of somebody else. */
export async function options(given: {
  readonly signal?: AbortSignal;
  readonly headers?: HeadersInit | undefined;
  readonly retry?: RetryOptions;
  readonly onProgress?: (progress: UploadProgress) => void;
  readonly contentType?: string;
}): Promise<StorageObject> {
  const maybeUndefined: AbortSignal | undefined = given.signal;
  const retry: RetryOptions = {
    maxAttempts: undefined,
    maxElapsed: 60_000,
    stallTimeout: 10_000,
    onRetry: ({ error, attempt, delay }) => console.log(String(error), attempt + delay),
    shouldRetry: (error) => error instanceof UploadError && error.retryable,
  };
  const transport: Transport | undefined = undefined;
  const all: UploadOptions = {
    ...to,
    endpoint: undefined,
    transport,
    signal: maybeUndefined,
    headers: given.headers,
    retry: given.retry ?? retry,
    onProgress: given.onProgress,
    onCheckpoint: undefined,
    contentType: given.contentType,
    metadata: undefined,
    chunkSize: undefined,
    totalBytes: undefined,
    checksum: undefined,
    ifGenerationMatch: undefined,
  };
  await upload("a", { ...to, retry: false });
  await upload("a", { ...to, retry: null });
  await upload("a", { url: new URL("https://a.example/"), signal: maybeUndefined });
  return await upload("a", all);
}

/** What comes back. */
export async function results(file: Blob): Promise<string> {
  const length: number = (await upload(file, to)).size.length;
  const { size, crc32c, bucket, name } = await upload(file, to);
  const known: [string, string, string] = [size, bucket, name];
  const maybe: string | undefined = crc32c;
  return `${length} ${known.join()} ${maybe ?? ""}`;
}

/** Fields with their names, and those that Google may add. */
export const metadata: ObjectMetadata = {
  contentType: "text/plain",
  cacheControl: "no-store",
  contentDisposition: "attachment",
  contentEncoding: "gzip",
  contentLanguage: "de",
  storageClass: "NEARLINE",
  customTime: "2026-01-01T00:00:00Z",
  metadata: { a: "1" },
  eventBasedHold: true,
  temporaryHold: false,
};

/** Many files: iterables of both kinds, items with fields of their own, results that narrow. */
export async function many(folder: AsyncIterable<UploadManyItem>, files: File[]): Promise<number> {
  await uploadMany(folder, { bucket: "my-bucket", skipExisting: undefined, signal: undefined });
  await uploadMany(new Set([{ name: "a", source: () => Promise.resolve(new Blob()) }]), {
    bucket: "my-bucket",
    manifest: { previous: undefined, write: new WritableStream<string>() },
  });
  const items = files.map((file) => ({ name: file.name, source: file, file }));
  const run: UploadManyRun = uploadMany(items, {
    bucket: "my-bucket",
    onResult(result) {
      const modified: number = result.item.file.lastModified;
      if (result.status === "uploaded") return void result.object.size.at(modified);
      if (result.status === "skipped") return void result.reason.at(0);
      const error: unknown = result.error;
      throw error;
    },
    onProgress: ({ files, bytes }) => void (files.active + bytes.persisted),
  });
  const narrowed = (result: UploadManyResult) => result.status;
  const { uploaded, failed }: { uploaded: number; failed: number } = await run;
  return uploaded + failed + run.summary.bytes + narrowed.length;
}

/** A switch over all codes narrows to nothing. */
export function advice(error: unknown): string {
  if (!(error instanceof UploadError)) return "not an upload's";
  const code: UploadErrorCode = error.code;
  const status: number | undefined = error.status;
  const reason: string | undefined = error.reason;
  const retryable: boolean = error.retryable;
  return `${code} ${status ?? "no reply"} ${reason ?? ""} ${retryable ? "later" : "never"}`;
}

/** Checkpoints, streams and classes. */
export async function more(file: Blob, saved: string): Promise<StorageObject | undefined> {
  const checkpoint = JSON.parse(saved) as Checkpoint;
  await upload(file, { checkpoint, signal: undefined });
  await cancelUpload(checkpoint);
  await cancelUpload(checkpoint.sessionUrl, { retry: false, signal: undefined });
  const stream: UploadStream = uploadStream({ ...to, metadata });
  await file.stream().pipeTo(stream.writable);
  const size: string = (await stream.result).size;
  const resumable = new ResumableUpload("https://a.example/", UPLOAD_CHUNK_SIZE, { retry: null });
  await resumable.initiate(fetch, file, metadata, size, { signal: undefined });
  const response: Response = await resumable.transmitNextChunk(fetch, { signal: undefined });
  return response.ok ? resumable.object : undefined;
}

/** Stores of checkpoints: a map, and one of somebody's own. */
export async function kept(file: Blob): Promise<void> {
  const map = new Map<string, Checkpoint>();
  const own: CheckpointStore = {
    get: async (key) => await Promise.resolve(map.get(key) ?? null),
    set: (key, checkpoint) => void map.set(key, checkpoint),
    delete: (key) => Promise.resolve(map.delete(key)),
  };
  const onCheckpointError = (error: unknown) => console.log(error);
  for (const checkpoints of [map, own, undefined]) {
    const key = checkpoints && "a";
    await upload(file, { ...to, checkpoints, key, onCheckpointError: undefined });
    await upload(file, { session: "https://a.example/", checkpoints, key, onCheckpointError });
  }
}

/** Transports: one that knows `fetch` only, one that tells, and one around another. */
export const transports: Transport[] = [
  fetch,
  (input: string, init?: RequestInit) => fetch(input, init),
  async (input: string, init: RequestInit) => await fetch(input, { ...init, headers: {} }),
  (input, { onSent, waitUntil, ...init }: TransportInit) => {
    onSent?.(0);
    waitUntil?.(Promise.resolve());
    return fetch(input, init);
  },
];
