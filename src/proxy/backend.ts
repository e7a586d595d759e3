/** Where bytes go: what the middle of the proxy asks of a backend. A backend is a value that anyone can write. */

import type { PassedBody } from "./request_body.ts";
import type { ChunkRange } from "./chunk_range.ts";
import type { Outcome, Refused } from "./outcome.ts";

/** The backend that is meant where a ticket or a session names none. */
export const CLOUD_STORAGE = "cloud-storage";

/** What may be made: everything in it has been checked. */
export interface NewObject {
  /** The bucket; empty where the backend has none. */
  readonly bucket: string;
  /** The name; empty where none was given, which only backends with {@linkcode Backend.describe} allow. */
  readonly name: string;
  /** The media type of the bytes. */
  readonly contentType: string;
  /** In bytes, where it is declared. */
  readonly size: number | undefined;
  /** Query parameters for Cloud Storage: name and preconditions. */
  readonly query: URLSearchParams;
  /** The object resource of Cloud Storage; of other backends `name` and `contentType`, and what hooks have added. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Bytes for a session. */
export interface Chunk {
  /** Where they belong; `undefined` for the whole object without saying so. Without `first` there are none. */
  readonly range: ChunkRange | undefined;
  /** `X-Goog-Hash`, checked. */
  readonly hash: string | undefined;
  /** Whether the client cannot stand a 308. */
  readonly no308: boolean;
}

/** What a backend notes of its requests, for the log. */
export interface BackendTrace {
  /** The status of the last reply. */
  upstreamStatus?: number | undefined;
  /** Milliseconds until the end of the replies, all in all. */
  upstreamMs?: number | undefined;
}

/** A session that a backend has opened. */
export interface BackendSession {
  /** What the other requests need: a path with a query, for example. It is a secret, and sealed into the session's URL. */
  readonly target: string;
  /** As {@linkcode Backend.granularity}, where this session has another one. */
  readonly granularity?: number | undefined;
}

/** What a client says of its file, in the words of an API. */
export interface FileDescription {
  /** Its name. */
  readonly name?: string | undefined;
  /** Its media type. */
  readonly contentType?: string | undefined;
  /** Its size in bytes. */
  readonly size?: number | undefined;
}

/**
 * A place where bytes go, for the option `backends`. Most are made by {@linkcode apiBackend}; one that is written from scratch
 * sends with {@linkcode sendUpstream}. The proxy has verified the ticket and the bounds before it calls one, and it keeps what
 * a backend throws from clients, but for an {@linkcode HttpError}.
 */
export interface Backend {
  /** What tickets (claim `backend`) and sessions call it: `a-z`, `0-9` and hyphens. It stays the same as long as sessions live. */
  readonly name: string;
  /** Requests that do not finish a session carry a multiple of this many bytes, and more than none. */
  readonly granularity: number;
  /**
   * Whether it takes such requests of any size from the granularity on, and says what it has kept; the default is that it
   * gets multiples only.
   */
  readonly takesAnySize?: boolean | undefined;
  /** The most bytes of a file. */
  readonly maxBytes: number;
  /** Whether starts may come to a path of the proxy, without its prefix, and for which bucket, if it has such. */
  locate(path: string): { readonly bucket?: string | undefined } | undefined;
  /**
   * Reads what a client of the API says of its file, strictly: it throws for a field that it does not know. Without it, starts
   * bring an object resource of Cloud Storage, with buckets, preconditions and fields that tickets open.
   */
  describe?(metadata: Readonly<Record<string, unknown>>): FileDescription;
  /** Opens a session. */
  start(object: NewObject, trace: BackendTrace): Promise<BackendSession | Refused>;
  /**
   * Sends bytes; or, where the range has no `first`, finishes if exactly `total` bytes are stored, and asks otherwise. Bytes
   * that do not begin where the stored ones end never come here. What it says is stored has to be so.
   */
  append(target: string, chunk: Chunk, body: PassedBody, trace: BackendTrace): Promise<Outcome>;
  /** Asks how much is stored; of a finished session it tells the file, as often as it is asked. */
  ask(target: string, trace: BackendTrace): Promise<Outcome>;
  /** Ends a session without a file. */
  cancel(target: string, trace: BackendTrace): Promise<Outcome>;
  /** Makes a file in one request. Without it, that is a session with one request. */
  insert?(object: NewObject, media: PassedBody, trace: BackendTrace): Promise<Outcome>;
}

/** The name of a backend where it is said: of Cloud Storage it never was. */
export function namedBackend({ name }: Backend): string | undefined {
  return name === CLOUD_STORAGE ? undefined : name;
}

/** What clients are shown of a finished file is the backend's own resource, unless it is an object with fields that a ticket opens. */
export function hasObjects({ describe }: Backend): boolean {
  return describe === undefined;
}
