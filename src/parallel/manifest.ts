/** What a run has done, as lines of JSON, and what an earlier one did. */

import { UploadError } from "../errors.ts";
import type { SourceFacts, UploadManyItem } from "./item.ts";
import type { UploadManyResult } from "./many_options.ts";

/**
 * A record of what was done with each file: one line of JSON for each, appended as they end, from which another run goes on.
 *
 * ```json
 * {"bucket":"my-bucket","name":"a.txt","status":"uploaded","size":5,"lastModified":1767225600000,"generation":"1767…","crc32c":"mnG7TA=="}
 * {"bucket":"my-bucket","name":"b.txt","status":"failed","code":"unavailable"}
 * ```
 *
 * The next run skips what was uploaded, if the file is still the same: its `size` and `lastModified` are compared where the
 * item or the source says them. A file that says neither is taken to be the same by its name. What failed is tried again; what was
 * skipped because it exists is skipped again with `skipExisting`. The last line of a name counts. A line that was torn when a
 * run was killed is overlooked: its file is uploaded again.
 *
 * There are no credentials, no session URLs and no messages of errors in it. Where the text is kept is the caller's matter.
 *
 * @example A run that was interrupted, and the next one
 * ```ts
 * import { uploadMany } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * let log = ""; // in a program, a file that is read at the start and appended to
 * const files = [{ name: "a.txt", source: "a" }, { name: "b.txt", source: "b" }];
 * const run = () =>
 *   uploadMany(files, {
 *     bucket: "my-bucket",
 *     transport: new GcsEmulator().fetch,
 *     manifest: { previous: log, write: (line) => void (log += line) },
 *   });
 * console.log((await run()).uploaded, (await run()).skipped); // 2 2
 * ```
 */
export interface UploadManyManifest {
  /**
   * What was written until now, as text in pieces that may be cut anywhere: a string, a file's stream through a
   * `TextDecoderStream`, its lines with their ends. The names in it are held in memory.
   */
  readonly previous?: string | Iterable<string> | AsyncIterable<string> | undefined;
  /**
   * Takes one line after the other, each with its end, to be appended to what was written before. A function is awaited; a
   * stream is not closed. What it throws ends the run.
   */
  readonly write?: ((line: string) => void | Promise<void>) | WritableStream<string> | undefined;
}

/** What an earlier run says of a file. */
interface Done {
  readonly status: "uploaded" | "skipped";
  readonly size: number | undefined;
  readonly lastModified: number | undefined;
}

/** What earlier runs have done. */
export class PreviousRuns {
  readonly #done = new Map<string, Done>();
  /** Whether the text ends within a line. */
  isTorn = false;

  /** Reads what was written; lines of other buckets count for nothing. */
  static async read(
    previous: NonNullable<UploadManyManifest["previous"]>,
    bucket: string,
  ): Promise<PreviousRuns> {
    const runs = new PreviousRuns();
    let lines = 0, legible = 0;
    for await (const { text, isWhole } of linesOf(previous)) {
      runs.isTorn = !isWhole;
      if (text.trim() === "") continue;
      if (isWhole) lines++;
      if (runs.#take(text, bucket) || isTorn(text)) legible++;
    }
    if (lines === 0 || legible > 0) return runs;
    throw new TypeError(
      `manifest.previous: expected lines that an earlier run has written, got ${lines} of which none is`,
    );
  }

  /** Whether a file of these facts needs not be uploaded; what nobody knows counts as the same. */
  has(name: string, { size, lastModified }: Partial<SourceFacts>, skipExisting: boolean): boolean {
    const done = this.#done.get(name);
    if (done?.status === "skipped") return skipExisting;
    return done !== undefined && isSame(done.size, size) &&
      isSame(done.lastModified, lastModified);
  }

  #take(line: string, bucket: string): boolean {
    const entry = parsed(line);
    if (!entry) return false;
    if (entry.bucket !== bucket) return true;
    const { name, status, size, lastModified } = entry;
    const numberOf = (value: unknown) => typeof value === "number" ? value : undefined;
    if (status !== "uploaded" && status !== "skipped") this.#done.delete(name);
    else {this.#done.set(name, {
        status,
        size: numberOf(size),
        lastModified: numberOf(lastModified),
      });}
    return true;
  }
}

function isSame(then: number | undefined, now: number | undefined): boolean {
  return then === undefined || now === undefined || then === now;
}

/** Whether a line may be the beginning of one that was torn, and ended by the run after that. */
function isTorn(line: string): boolean {
  const start = '{"bucket":"';
  return line.startsWith(start) || start.startsWith(line);
}

/** A line, as far as it is one of a manifest. */
function parsed(
  line: string,
):
  | { bucket: string; name: string; status: string; size?: unknown; lastModified?: unknown }
  | undefined {
  try {
    const { bucket, name, status, size, lastModified } = JSON.parse(line);
    const isLine = [bucket, name, status].every((field) => typeof field === "string");
    return isLine ? { bucket, name, status, size, lastModified } : undefined;
  } catch {
    return undefined;
  }
}

/** The lines of a text in pieces, and whether each one has its end. */
async function* linesOf(
  previous: NonNullable<UploadManyManifest["previous"]>,
): AsyncGenerator<{ readonly text: string; readonly isWhole: boolean }> {
  let rest = "";
  for await (const piece of typeof previous === "string" ? [previous] : previous) {
    if (typeof piece !== "string") {
      throw new TypeError(`manifest.previous: expected text, got pieces of type ${typeof piece}`);
    }
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const text of lines) yield { text, isWhole: true };
  }
  if (rest !== "") yield { text: rest, isWhole: false };
}

/** The line that says what became of a file. */
export function lineOf(
  bucket: string,
  result: UploadManyResult<UploadManyItem>,
  lastModified: number | undefined,
): string {
  const { name, status } = result;
  return JSON.stringify({ bucket, name, status, ...detailsOf(result, lastModified) }) + "\n";
}

function detailsOf(
  result: UploadManyResult<UploadManyItem>,
  lastModified: number | undefined,
): Record<string, unknown> {
  switch (result.status) {
    case "uploaded": {
      const { size, generation, crc32c } = result.object;
      return { size: Number(size), lastModified, generation, crc32c };
    }
    case "skipped":
      return { reason: result.reason };
    case "failed":
      return { code: codeOf(result.error) };
  }
}

/** What went wrong in one word; messages may hold what is nobody's business. */
function codeOf(error: unknown): string {
  if (error instanceof UploadError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}

/** Where lines are written, one after the other. */
export interface ManifestWriter {
  /** Resolves when the line was taken. */
  write(line: string): Promise<void>;
  /** Lets go of a stream, which stays open. */
  release(): void;
}

/** A writer for what the caller has given. */
export function writerOf(sink: UploadManyManifest["write"]): ManifestWriter | undefined {
  if (sink === undefined) return undefined;
  if (typeof sink === "function") {
    return { write: async (line) => await sink(line), release: () => {} };
  }
  const writer = sink.getWriter();
  writer.closed.catch(() => {}); // what goes wrong is thrown by the write that meets it
  return { write: (line) => writer.write(line), release: () => writer.releaseLock() };
}

/** Checks what the caller has given. */
export function checkManifest(manifest: unknown): void {
  if (manifest === undefined) return;
  if (typeof manifest !== "object" || manifest === null) {
    throw new TypeError(`manifest: expected { previous?, write? }, got ${typeof manifest}`);
  }
  const { previous, write, ...others } = manifest as Record<string, unknown>;
  const other = Object.keys(others).find((name) => others[name] !== undefined);
  if (other !== undefined) {
    throw new TypeError(`manifest.${other} is not an option; there are previous, write`);
  }
  const isText = previous === undefined || typeof previous === "string" ||
    (typeof previous === "object" && previous !== null &&
      (Symbol.iterator in previous || Symbol.asyncIterator in previous));
  if (!isText) {
    throw new TypeError(
      `manifest.previous: expected text, or an iterable of it, got ${typeof previous}`,
    );
  }
  if (write === undefined || typeof write === "function") return;
  const isStream = typeof write === "object" && write !== null && "getWriter" in write;
  if (isStream && !(write as WritableStream).locked) return;
  throw new TypeError(
    `manifest.write: expected a function, or a WritableStream that nobody else writes to, got ${
      isStream ? "a locked one" : typeof write
    }`,
  );
}
