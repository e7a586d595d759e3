/** Where bytes go: what the middle of the proxy asks of a backend. A backend is a value that anyone can write. */

import type { PassedBody } from "./body.ts";
import type { ChunkRange } from "./content_range.ts";
import type { Trace } from "./log.ts";
import type { Outcome, Refused } from "./outcome.ts";

/** An object that may be made. */
export interface NewObject {
  readonly bucket: string;
  /** Query parameters: name and preconditions. */
  readonly query: URLSearchParams;
  /** The object resource. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly contentType: string;
}

/** Bytes for a session. */
export interface Chunk {
  /** `undefined` for the whole object without saying so. */
  readonly range: ChunkRange | undefined;
  /** `X-Goog-Hash`, checked. */
  readonly hash: string | undefined;
  /** Whether the client cannot stand a 308. */
  readonly no308: boolean;
}

/** A place where bytes go. */
export interface Backend {
  /** Opens a session; its target is a secret of the proxy's. */
  start(
    object: NewObject,
    size: number | undefined,
    trace: Trace,
  ): Promise<{ target: string } | Refused>;
  /** Sends bytes, or finishes without any. */
  append(target: string, chunk: Chunk, body: PassedBody | null, trace: Trace): Promise<Outcome>;
  /** Asks how much is stored. */
  ask(target: string, trace: Trace): Promise<Outcome>;
  cancel(target: string, trace: Trace): Promise<Outcome>;
  /** Makes an object in one request. */
  insert(object: NewObject, media: PassedBody, trace: Trace): Promise<Outcome>;
}
