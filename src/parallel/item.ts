/** One of many files: what the caller says of it, what its source is, and that it is let go. */

import { viewOf } from "../bytes/bytes.ts";
import { takeSource, type UploadSource } from "../bytes/source.ts";
import { abortable } from "../net/clock.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";

/**
 * One of many files: an element of what {@linkcode uploadMany} is given.
 *
 * It may have more fields, which are the caller's own: each result has its item in it.
 *
 * If it has a `close` or a `[Symbol.asyncDispose]` (or `[Symbol.dispose]`), that is called once when the file is done with,
 * whatever became of it, and waited for. So is that of a source that has no `close` of its own for {@linkcode upload} to call.
 */
export interface UploadManyItem {
  /**
   * The bytes, or a function that opens them when the turn of the file has come: with a function no more files are open than
   * are being uploaded.
   */
  readonly source: UploadSource | (() => UploadSource | Promise<UploadSource>);
  /** The name of the object: any legal one, not encoded. A second item of the same name is an error. */
  readonly name: string;
  /** The media type. The default is that of the options, and then that of {@linkcode upload}. */
  readonly contentType?: string | undefined;
  /** Fields of this object, which go before those of the options: field by field, `metadata.metadata` key by key. */
  readonly metadata?: ObjectMetadata | undefined;
  /** Store only if this is the object's live generation; goes before that of the options, but not together with `skipExisting`. */
  readonly ifGenerationMatch?: number | string | undefined;
  /**
   * The size in bytes, where it is known before the source is opened. A stream must keep it; for any other source it only says
   * whether the file is still the one of the manifest.
   */
  readonly size?: number | undefined;
  /** When the file was changed last, in milliseconds since 1970; it says whether the file is still the one of the manifest. */
  readonly lastModified?: number | undefined;
  /** Called once when the file is done with. */
  close?(): void | Promise<void>;
}

/** What is known of a source before it is read. */
export interface SourceFacts {
  /** In bytes; `undefined` where nobody knows. */
  readonly size: number | undefined;
  /** In milliseconds since 1970; `undefined` where nobody knows. */
  readonly lastModified: number | undefined;
}

/** A source that is ready to be uploaded. */
export interface OpenedItem extends SourceFacts {
  readonly source: UploadSource;
  /** Whether it can be read anywhere, and says how long it is. */
  readonly isRandomAccess: boolean;
  /** The size that it must turn out to have: its own, or that of the item for a stream. */
  readonly exactSize: number | undefined;
  /** Whether it is `{ size, read }`, such as a file. */
  readonly isByteSource: boolean;
}

/** An element of the caller's iterable, which must at least say what it is called. */
export function checkItem(value: unknown): UploadManyItem {
  const item = value as Partial<UploadManyItem> | null | undefined;
  if (typeof item === "object" && item !== null && typeof item.name === "string") {
    return item as UploadManyItem;
  }
  const got = typeof item !== "object" || item === null
    ? item === null ? "null" : typeof item
    : `one whose name is of type ${typeof item.name}`;
  throw new TypeError(`files: expected items { source, name }, got ${got}`);
}

/** The life of an item's source: opened at most once, let go once, and its item closed. */
export class HeldItem {
  readonly item: UploadManyItem;
  #source: UploadSource | undefined;
  #isTaken = false;

  constructor(item: UploadManyItem) {
    this.item = item;
    if (typeof item.source !== "function") this.#source = item.source;
  }

  /** Opens the source. What comes when `signal` has aborted already is let go. */
  async open(signal: AbortSignal): Promise<OpenedItem> {
    const { source } = this.item;
    if (typeof source === "function") {
      const opening = (async () => await source())();
      opening.then((late) => {
        if (signal.aborted) void discard(late, signal.reason);
      }, () => {});
      this.#source = await abortable(opening, signal);
    }
    return describe(this.#source as UploadSource, this.item);
  }

  /** The source, for somebody who lets it go himself. */
  take(): UploadSource {
    this.#isTaken = true;
    return this.#source as UploadSource;
  }

  /** Lets go of what nobody has taken, and closes what the item gave; waits for that until `signal` aborts. */
  async close(reason: unknown, signal: AbortSignal): Promise<void> {
    if (!this.#isTaken) letGo(this.#source, reason);
    const closing = [closerOf(this.item), closerOfSource(this.#source)]
      .map(async (close) => await close?.());
    await abortable(Promise.allSettled(closing), signal).catch(() => {});
  }
}

/** Lets go of a source that came too late, and closes it. */
async function discard(source: UploadSource, reason: unknown): Promise<void> {
  letGo(source, reason);
  await (async () => await closerOfSource(source)?.())().catch(() => {});
}

/** Lets go of a source that is not uploaded: a stream is cancelled, `{ read, close }` closed. */
function letGo(source: UploadSource | undefined, reason: unknown): void {
  if (source === undefined) return;
  try {
    takeSource(source).release(reason ?? new DOMException("The file is not needed", "AbortError"));
  } catch { /* it is none, or somebody else's already */ }
}

function closerOf(item: UploadManyItem): (() => unknown) | undefined {
  if (typeof item.close === "function") return () => item.close!();
  return disposerOf(item);
}

/** What closes a source that has no `close` for an upload to call. */
function closerOfSource(source: UploadSource | undefined): (() => unknown) | undefined {
  const isClosed = typeof source === "object" && source !== null && "read" in source &&
    "close" in source;
  return isClosed ? undefined : disposerOf(source);
}

/** Symbols that not every runtime has. */
const { asyncDispose, dispose } = Symbol as {
  readonly asyncDispose?: symbol;
  readonly dispose?: symbol;
};

function disposerOf(value: unknown): (() => unknown) | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const symbol of [asyncDispose, dispose]) {
    const method: unknown = symbol && (value as Record<symbol, unknown>)[symbol];
    if (typeof method === "function") return () => method.call(value);
  }
  return undefined;
}

function describe(source: UploadSource, item: UploadManyItem): OpenedItem {
  const own = factsOf(source);
  const isObject = typeof source === "object" && source !== null;
  const isByteSource = isObject && "read" in source;
  const isStream = own.size === undefined && isObject && !isByteSource && !("slice" in source);
  const isRandomAccess = own.size !== undefined && (own.size > 0 || !isByteSource);
  return {
    source,
    isByteSource,
    isRandomAccess,
    exactSize: isRandomAccess ? own.size : isStream ? item.size : undefined,
    size: own.size ?? item.size,
    lastModified: item.lastModified ?? own.lastModified,
  };
}

/** What a source says of itself. A size of 0 may be that of a file that does not know it: it is no more than a hint. */
function factsOf(source: UploadSource): SourceFacts {
  if (typeof source === "string") {
    return { size: new TextEncoder().encode(source).length, lastModified: undefined };
  }
  const view = viewOf(source);
  if (view) return { size: view.length, lastModified: undefined };
  const { size, lastModified } = (source ?? {}) as { size?: unknown; lastModified?: unknown };
  const numberOf = (value: unknown) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
  const isSized = typeof source === "object" && source !== null &&
    ("read" in source || "slice" in source);
  return {
    size: isSized ? numberOf(size) : undefined,
    lastModified: isSized ? numberOf(lastModified) : undefined,
  };
}
