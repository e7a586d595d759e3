/** What became of a request, in words of no protocol: backends say it, fronts write it down for their clients. */

/** An object that is finished. What is here has been said by the backend, and is of the form that it should be. */
export interface FinishedObject {
  /** The bucket; empty where the backend has none. */
  readonly bucket: string;
  /** The name by which the API knows it: the object's name, `files/…`, an ID. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** What else refers to it, if the API says so. */
  readonly uri?: string | undefined;
  /** The version of the object's bytes, where there are such. */
  readonly generation?: string | undefined;
  /** The media type. */
  readonly contentType?: string | undefined;
  /** Base64. */
  readonly crc32c?: string | undefined;
  /** All that is known of it, as the API writes it. Of backends other than Cloud Storage the client is shown all of it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** What became of a request. */
export type Outcome =
  /** So many bytes are stored, if the backend said how many, with these checksums. */
  | {
    readonly kind: "stored";
    readonly persisted: number | undefined;
    /** Base64. */
    readonly crc32c?: string | undefined;
    /** Hexadecimal. */
    readonly md5?: string | undefined;
  }
  | { readonly kind: "finished"; readonly object: FinishedObject }
  /** A precondition says that nothing is to be done. */
  | { readonly kind: "unmodified" }
  | { readonly kind: "cancelled" }
  | Refused;

/** The backend does not do it. */
export interface Refused {
  /** What became of the request. */
  readonly kind: "refused";
  /** The status of the reply, from 400 to 599. */
  readonly status: number;
  /** Google's word for it, one of those that are known. */
  readonly reason: string;
  /** The proxy's words. */
  readonly message: string;
  /** In seconds. */
  readonly retryAfter?: number | undefined;
  /** Whether bytes were sent for a place before which some are missing. */
  readonly isGap?: boolean | undefined;
  /** Whether the session has ended with it. */
  readonly isFinal?: boolean | undefined;
}

/** Bytes for a place before which some are missing, in the words by which Google's clients know it. */
export function gap(offset: number, persisted: number): Refused {
  const message = "Invalid request.  According to the Content-Range header, the upload offset is " +
    `${offset} byte(s), which exceeds already uploaded size of ${persisted} byte(s).`;
  return {
    kind: "refused",
    status: 503,
    reason: "backendError",
    message,
    retryAfter: 5,
    isGap: true,
  };
}
