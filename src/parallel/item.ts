/** One of many files: what the caller says of it, what its source is, and that it is let go. */

import { viewOf } from "../bytes/bytes.ts";
import { type TakenSource, takeSource, type UploadSource } from "../bytes/source.ts";
import { typeInWords } from "../errors.ts";
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
  /**
   * Under which its checkpoint is kept, where the run has `checkpoints`: what tells this file and where it goes from any other. The
   * default is `bucket/name`.
   */
  readonly key?: string | undefined;
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

/** A source that was taken, and is ready to be uploaded. */
export interface OpenedItem extends SourceFacts {
  readonly source: UploadSource;
  readonly taken: TakenSource;
  /** The size that it must turn out to have: its own, or that of the item for a stream. */
  readonly exactSize: number | undefined;
}

/** An element of the caller's iterable, which must at least say what it is called. */
export function checkItem(value: unknown): UploadManyItem {
  const item = value as Partial<UploadManyItem> | null | undefined;
  if (typeof item === "object" && item !== null && typeof item.name === "string") {
    return item as UploadManyItem;
  }
  const got = typeof item !== "object" || item === null
    ? typeInWords(item)
    : `one whose name is of type ${typeof item.name}`;
  throw new TypeError(`files: expected items { source, name }, got ${got}`);
}

/**
 * The life of an item's source: opened and taken at most once, let go once, and its item closed.
 *
 * It is taken in the turn in which it is there: a stream that fails while its file waits must find somebody who listens.
 */
export class HeldItem {
  readonly item: UploadManyItem;
  #opened: OpenedItem | undefined;

  constructor(item: UploadManyItem) {
    this.item = item;
  }

  /** Opens the source. What comes when `signal` has aborted already is let go. */
  async open(signal: AbortSignal): Promise<OpenedItem> {
    const { item } = this;
    const { source } = item;
    if (typeof source !== "function") return this.#opened = opened(source, item);
    const opening = (async () => opened(await source(), item))();
    opening.then((late) => {
      if (signal.aborted) void closeSource(late, signal.reason).catch(() => {});
    }, () => {});
    return this.#opened = await abortable(opening, signal);
  }

  /** Lets go of the source, and closes what the item gave; waits for that until `signal` aborts. */
  async close(reason: unknown, signal: AbortSignal): Promise<void> {
    const closing = [
      closeSource(this.#opened ?? unopened(this.item), reason),
      closeItem(this.item),
    ];
    await abortable(Promise.allSettled(closing), signal).catch(() => {});
  }
}

function opened(source: UploadSource, item: UploadManyItem): OpenedItem {
  const taken = takeSource(source);
  const isObject = typeof source === "object" && !viewOf(source);
  const isReadable = isObject && "read" in source;
  const isStream = isObject && taken.size === undefined && !isReadable && !("slice" in source);
  const own = isObject && "lastModified" in source ? source.lastModified : undefined;
  return {
    source,
    taken,
    exactSize: taken.size ?? (isStream ? item.size : undefined),
    size: taken.size ?? item.size,
    lastModified: item.lastModified ?? (Number.isFinite(own) ? own as number : undefined),
  };
}

/** The source of an item that is not opened, where there is one. */
function unopened(item: UploadManyItem): OpenedItem | undefined {
  try {
    return typeof item.source === "function" ? undefined : opened(item.source, item);
  } catch {
    return undefined; // it is no source, or somebody else's
  }
}

/** Lets go of a source: a stream is cancelled, `{ read, close }` closed; and of what has another way to be closed. */
async function closeSource(opened: OpenedItem | undefined, reason: unknown): Promise<void> {
  if (!opened) return;
  const { source, taken } = opened;
  taken.release(reason ?? new DOMException("The file is not needed", "AbortError"));
  const isClosed = typeof source === "object" && "read" in source && "close" in source;
  if (!isClosed) await disposerOf(source)?.();
}

async function closeItem(item: UploadManyItem): Promise<void> {
  if (typeof item.close === "function") await item.close();
  else await disposerOf(item)?.();
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
