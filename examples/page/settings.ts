/** What the server tells the page: both sides read this file. */

/** What the page has to know of its server. */
export interface PageSettings {
  /** The least bytes in each request, a multiple of 256 KiB; large files are sent in larger ones. */
  readonly chunkSize: number;
  /** The most bytes of a file; the proxy enforces it, the page only says it. */
  readonly maxBytes: number;
  /** The media types that are taken, such as `image/*`; the proxy enforces them, the page only names them. */
  readonly contentTypes: readonly string[];
  /** Files up to this size are kept in the browser, so that nobody has to choose them again; in bytes. */
  readonly keepBytes: number;
  /** The wait before the second attempt of a failed request, in milliseconds. */
  readonly retryDelay: number;
}

/** What a page asks its backend for before an upload starts. */
export interface TicketWish {
  /** The name of the file, as the user has it. */
  readonly name: string;
}

/** What the backend answers: where the upload goes, and the ticket for it. */
export interface TicketReply {
  readonly ticket: string;
  readonly bucket: string;
  /** The name of the object; the backend chooses it. */
  readonly name: string;
}

/** The next thing that goes wrong, for whoever wants to see how an upload survives it. */
export type NetworkFault =
  /** The connection breaks in the middle of a chunk. */
  | "cut"
  /** The chunk is stored, and its reply lost. */
  | "lose"
  /** A 503. */
  | "busy"
  /** A bit of the chunk is flipped on its way. */
  | "corrupt"
  /** A 410: the session is no more. */
  | "gone";

/** How good the network between page and proxy pretends to be. */
export interface NetworkState {
  /** In bytes per second, for all uploads together; `null` is as fast as it goes. */
  readonly speed: number | null;
  /** What happens to the next chunk; `null` is nothing. */
  readonly next: NetworkFault | null;
}

/** What uploads: this library by Google's protocol, or Uppy by tus. */
export type Client = "own" | "uppy";

/** What a client needed for a file, as the server has counted it. */
export interface Run {
  /** The bytes of the file. */
  readonly size: number;
  /** From the start of the session to the reply that says that it is stored. */
  readonly milliseconds: number;
  readonly requests: number;
  /** Bytes of all its requests that arrived, those that had to be sent twice among them. */
  readonly sent: number;
}

/** The last file that each client has stored. */
export type Comparison = Partial<Record<Client, Run>>;
