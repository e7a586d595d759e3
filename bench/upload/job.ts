/** What the programs of this folder are told, and what they print. */

/** The ways to hand data to an uploader. */
export type Source = "bytes" | "file" | "blob" | "stream" | "computed";

/** One upload of any program. */
export interface PeerJob {
  /** Where to. */
  readonly origin: string;
  /** Where one byte goes before, so that the program is warm; another origin, where the first connection must count. */
  readonly warmUp: string;
  /** The file. */
  readonly path: string;
  /** How long a client of others may take, in seconds. @default {600} */
  readonly timeLimit?: number;
}

/** One upload of `program.ts`. */
export interface Job extends PeerJob {
  /** `upload`: this library. `bare`: one streamed PUT with `fetch`, nothing hashed. */
  readonly client: "upload" | "bare";
  readonly source: Source;
  /** The bytes of a computed source, which has no file. */
  readonly size?: number;
  /** What the library is told. @default {what it does by itself} */
  readonly chunkSize?: number;
  /** When to end, whether the upload is done or not. @default {when it is done} */
  readonly seconds?: number;
}

/** What came of it. */
export interface Measured {
  readonly seconds: number;
  /** CPU time of the process meanwhile, user and system. */
  readonly cpuSeconds: number;
  /** The most memory of the process meanwhile beyond what it had before: RSS, in bytes. */
  readonly rss: number;
  /** Of all bytes, as the server computed it; base64. Empty where the upload was ended. */
  readonly crc32c: string;
}
