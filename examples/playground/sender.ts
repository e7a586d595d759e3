/// <reference lib="dom" />
/** Sends files by the code that the page shows: the worker serves it as a module, and its function is called. */

import type { StorageObject, UploadProgress } from "@resumable-media/upload";
import { cancelUpload, xGoogUpload } from "@resumable-media/upload";
import { objectName } from "../page/object_name.ts";
import type { Sender } from "../page/sender.ts";
import type { StoredUpload, UploadStore } from "../page/store.ts";
import { type Problem, problemOf, problemOfStatus } from "../page/error_messages.ts";
import { type Choice, readChoice } from "./choice.ts";
import { addressOf } from "./code.ts";
import { BUCKET } from "./exchange.ts";

/** What the module has. */
interface CodeModule {
  send(file: File, options: {
    readonly signal: AbortSignal;
    readonly onProgress: (
      progress: Pick<UploadProgress, "sent" | "persisted"> & Partial<UploadProgress>,
    ) => void;
    readonly onRetry?: () => void;
  }): Promise<StorageObject | void>;
}

/** The most bytes of a file; the proxy of the playground holds it. */
const MAX_BYTES = 250_000_000;

let runs = 0;

/** A sender for the playground at an address. */
export function playgroundSender(base: string, store: UploadStore): Sender {
  return {
    async send({ file, record, sameFile, signal, remember, begin, onProgress, onSteady }) {
      begin(record.checkpoint && !sameFile ? "checking" : "starting");
      const name = record.target?.name ?? objectName(record.name);
      if (!record.target) await remember({ target: { bucket: BUCKET, name } });
      const choice = choiceOf(record);
      // Each run has a module of its own: one that could not be loaded would not be asked for again.
      const address = `${addressOf({ ...choice, name, type: record.type })}&run=${++runs}`;
      const { send }: CodeModule = await import(base + address);
      signal.throwIfAborted();
      signal.addEventListener("abort", () => {
        void fetch(`${base}stop`, { method: "POST", body: JSON.stringify({ name }) });
      });
      const object = await send(file, {
        signal,
        onProgress(progress) {
          onSteady(true);
          onProgress(progress);
        },
        ...choice.retry && choice.way !== "tus" && { onRetry: () => onSteady(false) },
      });
      return object ?? await look(base, name);
    },
    async cancel(record) {
      const checkpoint = (await store.get(record.id))?.checkpoint;
      if (!checkpoint) return record.target ? "only here" : "cancelled";
      const protocol = choiceOf(record).way === "x-goog-upload" ? { protocol: xGoogUpload } : {};
      try {
        await cancelUpload(checkpoint, { ...protocol, retry: { maxAttempts: 2 } });
        return "cancelled";
      } catch {
        return "only here";
      }
    },
    compares: (record) => choiceOf(record).way !== "tus" && choiceOf(record).checksum !== "none",
    problemOf: (error, file) =>
      tusProblem(error) ??
        problemOf(error, { settings: { maxBytes: MAX_BYTES, contentTypes: [] }, file }),
  };
}

/** How a file is sent. */
export function choiceOf({ how }: StoredUpload): Choice {
  const choice = readChoice(new URLSearchParams(how));
  if (!choice) throw new TypeError("An upload without a way to send it");
  return choice;
}

/** Words for an error of tus-js-client, which has the request and, if one came, the reply. */
function tusProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !("originalRequest" in error)) return undefined;
  const { originalResponse: reply } = error as {
    originalResponse?: { getStatus(): number } | null;
  };
  return problemOfStatus(reply?.getStatus());
}

/** The object, which tus does not tell. */
async function look(base: string, name: string): Promise<StorageObject> {
  const path = `google/storage/v1/b/${BUCKET}/o/${encodeURIComponent(name)}`;
  const response = await fetch(base + path);
  if (!response.ok) throw new Error(`The object is not there: ${response.status}`);
  return await response.json();
}
