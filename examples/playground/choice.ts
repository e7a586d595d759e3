/** How a file is sent: what the page offers, as a value and as the query of an address. */

/** To whom, and in which protocol. */
export type Way =
  /** To the proxy, by Google's protocol of `Content-Range`. */
  | "proxy"
  /** To the proxy, by tus, with tus-js-client. */
  | "tus"
  /** Straight to Google, by `Content-Range`. */
  | "google"
  /** Straight to Google, by `X-Goog-Upload`. */
  | "x-goog-upload";

/** What somebody has chosen. */
export interface Choice {
  readonly way: Way;
  /** Whether the file is handed over as a stream, which is read once. */
  readonly stream: boolean;
  /** The most bytes in a request; `null` leaves it to the library. */
  readonly chunkSize: number | null;
  readonly checksum: "auto" | "crc32c" | "none";
  readonly retry: boolean;
}

const WAYS: readonly string[] = ["proxy", "tus", "google", "x-goog-upload"] satisfies Way[];
const CHECKSUMS: readonly string[] = ["auto", "crc32c", "none"] satisfies Choice["checksum"][];
const QUANTUM = 262_144;

/** A choice as a query. */
export function queryOf({ way, stream, chunkSize, checksum, retry }: Choice): string {
  return `${new URLSearchParams({
    way,
    source: stream ? "stream" : "file",
    chunk: String(chunkSize ?? ""),
    checksum,
    retry: String(retry),
  })}`;
}

/** Reads a choice from a query; `undefined` if it is none. */
export function readChoice(query: URLSearchParams): Choice | undefined {
  const [way, source, chunk, checksum, retry] = ["way", "source", "chunk", "checksum", "retry"]
    .map((name) => query.get(name) ?? "");
  const chunkSize = chunk === "" ? null : Number(chunk);
  const valid = WAYS.includes(way) && ["file", "stream"].includes(source) &&
    (chunkSize === null || (chunkSize > 0 && chunkSize % QUANTUM === 0)) &&
    CHECKSUMS.includes(checksum) && ["true", "false"].includes(retry);
  if (!valid) return undefined;
  return {
    way: way as Way,
    stream: source === "stream",
    chunkSize,
    checksum: checksum as Choice["checksum"],
    retry: retry === "true",
  };
}
