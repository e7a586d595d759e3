/** The emulated Google, which outlives the worker: what changed something is written down, and done again by the next one. */

import { GcsEmulator } from "@resumable-media/upload/emulator";
import type { JournalEntry } from "./journal.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An emulated Google. */
export interface Google {
  /** Answers a request as Google would. */
  fetch(request: Request): Promise<Response>;
}

/** Where the requests are written. */
export type Append = (entry: Omit<JournalEntry, "playground" | "at">) => Promise<void>;

/**
 * An emulator in which `entries` have happened. A session has another `upload_id` in it than in the entries, so both are
 * translated. A reply waits until its request is written: what a client was told is never forgotten.
 */
export async function openGoogle(
  entries: readonly JournalEntry[],
  append: Append,
): Promise<Google> {
  const gcs = new GcsEmulator({ md5: false });
  /** The `upload_id` of the emulator, by the one that clients have. */
  const ids = new Map<string, string>();
  const translated = (url: string): string => {
    const id = sessionOf(url);
    const own = id && ids.get(id);
    return own ? url.replace(id, own) : url;
  };
  const send = (
    { method, url, headers, signal }: Pick<Request, "method" | "url" | "headers"> & {
      signal: AbortSignal | null;
    },
    body: ReadableStream<Bytes> | null,
  ): Promise<Response> =>
    gcs.fetch(translated(url), { method, headers, body, signal, duplex: "half" } as RequestInit);

  for (const { method, url, headers, body, whole, session } of entries) {
    const again = { method, url, headers: new Headers(headers.map(([...pair]) => pair)) };
    try {
      const response = await send({ ...again, signal: null }, streamOf(body, whole));
      const id = started(response);
      if (session && id) ids.set(session, id);
    } catch {
      // the connection broke the first time, too
    }
  }
  return {
    async fetch(request) {
      const { method, url, headers, signal } = request;
      if (method === "GET" || isQuestion(headers)) {
        return await send({ method, url, headers, signal }, request.body as null);
      }
      const pieces: Bytes[] = [];
      let whole = request.body === null;
      const body = request.body?.pipeThrough(
        new TransformStream<Bytes, Bytes>({
          transform(piece, controller) {
            pieces.push(piece.slice());
            controller.enqueue(piece);
          },
          flush() {
            whole = true;
          },
        }),
      );
      let session: string | undefined;
      try {
        const response = await send({ method, url, headers, signal }, body ?? null);
        session = started(response);
        return response;
      } finally {
        await append({
          ...{ method, url, headers: [...headers], body: new Blob(pieces), whole, session },
        });
      }
    },
  };
}

/** Whether a request asks only. */
function isQuestion(headers: Headers): boolean {
  return headers.get("content-range") === "bytes */*" ||
    headers.get("x-goog-upload-command") === "query";
}

/** The `upload_id` that a reply gives. */
function started({ headers }: Response): string | undefined {
  return sessionOf(headers.get("location") ?? headers.get("x-goog-upload-url") ?? "");
}

function sessionOf(url: string): string | undefined {
  return /[?&]upload_id=([^&]+)/.exec(url)?.[1];
}

/** A body as it arrived the first time: one that broke off breaks off again. */
function streamOf(body: Blob, whole: boolean): ReadableStream<Bytes> {
  const stream = body.stream() as ReadableStream<Bytes>;
  if (whole) return stream;
  return stream.pipeThrough(
    new TransformStream<Bytes, Bytes>({
      flush(controller) {
        controller.error(new Error("The connection broke"));
      },
    }),
  );
}
