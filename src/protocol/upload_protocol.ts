/** What a wire protocol of resumable uploads can do: requests as values, and what replies to them mean. */

import type { Refusal } from "./refusal.ts";
import type { ReplyHead } from "./reply.ts";

/** The methods that requests of an upload have. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A request without its body. */
export interface RequestHead {
  /** The method. */
  readonly method: Method;
  /** Where it goes. */
  readonly url: string;
  /** Its headers. */
  readonly headers: Headers;
}

/** What starts an upload. */
export interface StartInput {
  /** The method of the start. */
  readonly method: Method;
  /** Where uploads are started. */
  readonly url: string;
  /** The caller's headers. */
  readonly headers: Headers;
  /** The resource to create, as JSON; `undefined` for none. */
  readonly metadata: string | undefined;
  /** The media type of the bytes. */
  readonly contentType: string;
  /** The size of the whole, where it is declared. */
  readonly total: number | undefined;
}

/** Bytes of the upload; without any, and as the last request, it finishes what is stored already. */
export interface ChunkInput {
  /** The session. */
  readonly url: string;
  /** The caller's headers. */
  readonly headers: Headers;
  /** The media type of the bytes. */
  readonly contentType: string;
  /** Where the bytes belong. */
  readonly offset: number;
  /** How many there are. */
  readonly size: number;
  /** The size of the whole, where it is known. */
  readonly total: number | undefined;
  /** Whether the upload ends with these bytes. */
  readonly last: boolean;
  /** `x-goog-hash`, on the last request only. */
  readonly hash: string | undefined;
}

/** What a server says of a session that it has just opened. */
export interface OpenedSession {
  /** What the reply means. */
  readonly kind: "opened";
  /** Where the upload goes on. */
  readonly url: string;
  /** Requests that are not the last one carry a multiple of this many bytes. */
  readonly granularity: number;
  /** The most bytes that one request may carry, where the server says so. */
  readonly maxRequestBytes: number | undefined;
}

/** What is known when a reply to a session request is read. */
export interface SessionQuestion {
  /** What the request was for. */
  readonly asked: "chunk" | "status";
  /** What the server has confirmed before, in bytes; a chunk starts here. */
  readonly persisted: number;
  /** What somebody has been told is stored: `persisted`, or what a checkpoint says of an upload that is taken up. */
  readonly known: number;
  /** The end of the last byte ever sent; `Infinity` when somebody else has been sending. */
  readonly sent: number;
  /** Where the bytes of a chunk end of which the transport has taken all; else absent. */
  readonly end?: number | undefined;
}

/** What the reply to a chunk or to a status query means. */
export type SessionAnswer =
  /** The server holds the first `persisted` bytes, with this CRC32C (base64) if it says so. */
  | {
    readonly kind: "stored";
    readonly persisted: number;
    readonly crc32c?: string | undefined;
    /** The session's new URL, where the server gives it one. */
    readonly url?: string | undefined;
  }
  /**
   * The upload is finished; the resource says what the reply shows of it. Where that is nothing, `isCertain` says whether it
   * is finished all the same, or has to be asked about.
   */
  | { readonly kind: "finished"; readonly isCertain: boolean }
  | Refusal;

/** How requests and replies look on the wire. */
export interface UploadProtocol {
  /** The protocol's name; checkpoints carry it. */
  readonly name: "content-range" | "x-goog-upload";
  /** Asks for a new session. */
  start(input: StartInput): RequestHead;
  /** Reads the reply to a start; `startUrl` is where it was sent. */
  opened(reply: ReplyHead, startUrl: string): OpenedSession | Refusal;
  /** Sends bytes. */
  chunk(input: ChunkInput): RequestHead;
  /** Asks how much of a session is stored; never finishes anything. */
  status(url: string, headers: Headers): RequestHead;
  /** Gives up a session and what it stores. */
  cancel(url: string, headers: Headers): RequestHead;
  /** Whether the reply to `cancel` says that the session is no more. */
  isCancelled(reply: ReplyHead): boolean;
  /** Reads the reply to a chunk or to a status query. */
  answer(reply: ReplyHead, question: SessionQuestion): SessionAnswer;
}
