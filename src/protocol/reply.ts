/** The parts of a reply that carry meaning, and which of them are success. */

/** A reply, its body read to the end. */
export interface ReplyHead {
  /** The status code. */
  readonly status: number;
  /** The headers that can be seen. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
  /** Where it came from in the end, after redirects; empty where the transport does not say. */
  readonly url?: string | undefined;
  /** Whether a page got it from another origin: headers that CORS does not expose are not there then. */
  readonly crossOrigin?: boolean | undefined;
}

/** 200 and 201 both mean success. */
export function isSuccess(status: number): boolean {
  return status === 200 || status === 201;
}
