/** The uploads of a page: add files, pause, go on. The same file in each of these examples; it knows no framework. */

import {
  createUploadSession,
  upload,
  UploadError,
  type UploadProgress,
} from "@resumable-media/upload";
import { indexedDbCheckpoints } from "@resumable-media/upload/checkpoints";
import { xhrTransport } from "@resumable-media/upload/xhr";

/** What there is to show of an upload. */
export interface Upload {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly state: "sending" | "paused" | "stored" | "failed";
  /** Bytes that have gone out. */
  readonly sent: number;
  /** Bytes a second, lately. */
  readonly rate: number;
  /** What happens, or happened, in words. */
  readonly message: string;
}

type Listener = (list: readonly Upload[]) => void;

const transport = xhrTransport({ pauseWhileOffline: true });
const checkpoints = indexedDbCheckpoints();
const running = new Map<number, { file: File; stop: AbortController }>();
const listeners = new Set<Listener>();
let list: readonly Upload[] = [];

/** The uploads as they are now: another array with each change. */
export const uploads = (): readonly Upload[] => list;

/** Calls back now and with each change; returns the way to end that. */
export function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  listener(list);
  return () => void listeners.delete(listener);
}

/** Begins to upload files. One that was not finished before a reload goes on where it stood. */
export function add(files: Iterable<File>): void {
  for (const file of files) {
    const id = list.length;
    const { name, size } = file;
    list = [...list, { id, name, size, state: "sending", sent: 0, rate: 0, message: "" }];
    running.set(id, { file, stop: new AbortController() });
    run(id);
  }
}

/** Stops an upload where it is. */
export const pause = (id: number): void => running.get(id)?.stop.abort();

/** Goes on with an upload that was paused or has failed. */
export function resume(id: number): void {
  const { file } = running.get(id)!;
  running.set(id, { file, stop: new AbortController() });
  run(id);
}

async function run(id: number): Promise<void> {
  const { file, stop: { signal } } = running.get(id)!;
  const rateOf = speedometer();
  change(id, { state: "sending", message: "Sending" });
  try {
    const object = await upload(file, {
      session: () => openSession(file),
      transport,
      checkpoints,
      key: `${file.name} ${file.size} ${file.lastModified}`,
      signal,
      onProgress(progress) {
        change(id, { sent: progress.sent, rate: rateOf(progress), message: "Sending" });
      },
      retry: { onRetry: () => change(id, { message: "The connection broke. Trying again" }) },
    });
    change(id, { state: "stored", message: `Stored as ${object.name}` });
  } catch (error) {
    if (signal.aborted) change(id, { state: "paused", rate: 0, message: "Paused" });
    else change(id, { state: "failed", rate: 0, message: inWords(error) });
  }
}

/** Asks your server for a ticket, and the proxy for a session; only where nothing is kept to go on from. */
async function openSession(file: File): Promise<string> {
  const body = JSON.stringify({ name: file.name });
  const response = await fetch("/ticket", { method: "POST", body });
  if (!response.ok) throw new Error("You may not upload here. Are you signed in?");
  const { ticket, bucket, name } = await response.json();
  const session = await createUploadSession({
    endpoint: location.origin, // the proxy's
    bucket,
    name,
    contentType: file.type || "application/octet-stream",
    totalBytes: file.size,
    headers: { authorization: `Bearer ${ticket}` },
  });
  return session.url;
}

function inWords(error: unknown): string {
  if (!(error instanceof UploadError)) return error instanceof Error ? error.message : `${error}`;
  if (error.retryable) {
    return "The server cannot be reached. What was sent is kept: try again later.";
  }
  if (error.code === "source_changed") return "The file was changed meanwhile. Choose it again.";
  if (error.status === 412) return "There is a file of this name already.";
  if (error.status === 413) return "The file is too large.";
  if (error.status === 415) return "Files of this type are not taken.";
  return `The upload was refused (${error.status ?? error.code}).`;
}

/** Bytes a second over the last three seconds; what an earlier run has stored does not count. */
function speedometer(): (progress: UploadProgress) => number {
  const samples = [{ at: performance.now(), bytes: 0 }];
  return ({ sent, resumedFrom }) => {
    const [at, bytes] = [performance.now(), sent - resumedFrom];
    samples.push({ at, bytes });
    while (at - samples[0].at > 3000 && samples.length > 2) samples.shift();
    const [first] = samples;
    return at > first.at ? (bytes - first.bytes) * 1000 / (at - first.at) : 0;
  };
}

function change(id: number, news: Partial<Upload>): void {
  list = list.map((upload) => upload.id === id ? { ...upload, ...news } : upload);
  for (const listener of listeners) listener(list);
}
