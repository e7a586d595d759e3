/** What the programs of this folder are told, and what they print. */

/** The ways to hand a file to an uploader; `memory` stands for none, the same bytes again and again. */
export type Source = "memory" | "file" | "blob" | "stream";

/** One upload. */
export interface Job {
  /**
   * `upload`: this library. `bare`: a loop of `fetch`, each chunk read and sent, nothing hashed. `crc32c`: the same bytes
   * hashed, nothing sent.
   */
  readonly client: "upload" | "bare" | "crc32c";
  readonly source: Source;
  /** Where to. */
  readonly origin: string;
  /** The file. */
  readonly path: string;
  /** Bytes of each request. */
  readonly chunkSize: number;
  /** Milliseconds that a source of its own pace takes for each chunk; instead of the file. */
  readonly pace?: number;
  /** Whether the next chunk is read only when all before it is stored. */
  readonly isSerial?: boolean;
}

/** What came of it. */
export interface Measured {
  readonly seconds: number;
  /** CPU time of the process meanwhile, user and system. */
  readonly cpuSeconds: number;
  /** The most memory the process ever had: RSS, in bytes. */
  readonly peakRss: number;
  /** Of all bytes, as the server computed it; base64. */
  readonly crc32c: string;
}
