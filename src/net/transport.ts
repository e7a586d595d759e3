/** What sends requests, and what this platform's `fetch` can send. */

/** What a transport is given for a request: what `fetch` is given, and two ways to tell how the request is doing. */
export interface TransportInit extends RequestInit {
  /**
   * Tells how many bytes of a body that is no stream have gone out so far. A transport that can see it calls this with 0 when
   * it begins to send, and then with growing numbers. `sent` of `onProgress` follows them; and the request is given up when
   * it stands still for `stallTimeout`, however long it is. One that never calls it, as `fetch`, is taken to have been handed
   * the whole body at once.
   */
  onSent?: ((bytes: number) => void) | undefined;
  /**
   * Stops the deadline of the request until the promise settles: for a wait that is no failure, such as one for the network
   * to come back or for somebody to sign in.
   */
  waitUntil?: ((wait: Promise<unknown>) => void) | undefined;
}

/**
 * Anything that sends a request as `fetch` does; `fetch` itself is one, and one that adds an `Authorization` header to
 * each request is the usual other.
 *
 * It must hand back every status as a response, 308 included (`redirect` left as `init` has it), and should stop at
 * `init.signal`. Any rejection counts as a broken connection and is retried, but for an {@linkcode UploadError}, which ends the
 * upload: throw one where trying again is of no use, as when there are no credentials. The session URL that a server hands
 * out goes through it as well, whatever its host; a transport that adds a token may want to look at `input`.
 *
 * `init.body` may be bytes, a Blob, or, for long requests, a `ReadableStream`, with `duplex`, `redirect` and `window` as
 * this platform needs them: pass `init` on as it is. A transport that takes no streams is noticed by not reading one, and gets
 * bytes, up to 8 MiB in a request of a session, and up to 64 MiB where the whole goes in one. What else `init` has beside
 * `fetch`'s own members is for transports that can tell more: see {@linkcode TransportInit}.
 *
 * @example A transport that adds a token to each request
 * ```ts
 * import type { Transport } from "@resumable-media/upload";
 *
 * const authorized = (token: () => Promise<string>): Transport => async (input, init) => {
 *   const headers = new Headers(init.headers);
 *   headers.set("authorization", `Bearer ${await token()}`);
 *   return await fetch(input, { ...init, headers });
 * };
 * const transport: Transport = authorized(() => Promise.resolve("ya29.a0"));
 * console.log(typeof transport); // function
 * ```
 */
export type Transport = (input: string, init: TransportInit) => Promise<Response>;

/** Transports that have told how much of a body went out. */
const reporting = new WeakSet<Transport>();

/** Whether a transport has told before how much of a body went out. */
export function tellsSent(transport: Transport): boolean {
  return reporting.has(transport);
}

/** Notes that a transport tells how much of a body went out. */
export function noteTellsSent(transport: Transport): void {
  reporting.add(transport);
}

/** `fetch` as it is when it is called, so that replacing it works. */
export const defaultTransport: Transport = (input, init) => fetch(input, init);

/** How a streamed body has to be handed to `fetch` on this platform. */
export interface StreamingInit {
  /**
   * `error` where it can be: in every other mode Node 20 to 24 copy the body, the whole file in the end. Workers know only
   * `manual` and `follow`.
   */
  readonly redirect: "error" | "manual";
}

let streaming: StreamingInit | null | undefined;

/**
 * How streamed bodies are sent as they are made, on this platform; `undefined` where they cannot be (browsers, but for
 * HTTP/2, where a request may not have a length).
 *
 * A platform that streams keeps the length that a request is given, and takes the stream for a body; one that turns the
 * stream into text adds a media type.
 */
export function streamingInit(): StreamingInit | undefined {
  streaming ??=
    (["error", "manual"] as const).map((redirect) => ({ redirect })).find(keepsStreams) ??
      null;
  return streaming ?? undefined;
}

function keepsStreams({ redirect }: StreamingInit): boolean {
  try {
    const request = new Request("https://localhost/", {
      method: "PUT",
      headers: { "content-length": "1" },
      body: new ReadableStream(),
      duplex: "half",
      redirect,
      window: null,
    } as RequestInit);
    return request.headers.get("content-length") === "1" && request.body !== null &&
      !request.headers.has("content-type");
  } catch {
    return false;
  }
}
