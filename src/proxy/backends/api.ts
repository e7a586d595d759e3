/** Google's other upload APIs as places where bytes go, and any API that speaks one of their protocols. */

import type { Transport } from "../../net/transport.ts";
import { chosenProtocol } from "../../protocol/protocols.ts";
import type { Method, RequestHead, UploadProtocol } from "../../protocol/upload_protocol.ts";
import type { Backend, BackendTrace, Chunk, FileDescription, NewObject } from "../backend.ts";
import type { PassedBody } from "../body.ts";
import { badGateway } from "../http_error.ts";
import type { FinishedObject, Outcome } from "../outcome.ts";
import { sendUpstream, type UpstreamReply } from "../upstream.ts";
import { outcomeOf, refusedStart, type ResultReader } from "./api_reply.ts";

/** An upload API, as {@linkcode apiBackend} needs to know it. */
export interface ApiBackendOptions {
  /** What tickets (claim `backend`) and sessions call it: `a-z`, `0-9` and hyphens. */
  readonly name: string;
  /** The paths of the proxy, without its prefix, at which uploads start. */
  readonly path: RegExp;
  /** Where uploads start at the API; sessions must be at the same origin. */
  readonly url: string;
  /**
   * The method of a start.
   *
   * @default {"POST"}
   */
  readonly method?: Method | undefined;
  /**
   * How the API speaks: `xGoogUpload`, or by default the protocol of `Content-Range` and 308.
   */
  readonly protocol?: UploadProtocol | undefined;
  /** Sends starts, with the proxy's own credentials: a transport of `./auth`. */
  readonly transport: Transport;
  /**
   * Sends requests on sessions, whose URLs are authority enough.
   *
   * @default {fetch}
   */
  readonly fetch?: Transport | undefined;
  /**
   * Requests that do not finish an upload carry a multiple of this many bytes, where a start does not say another one.
   *
   * @default {262144}
   */
  readonly granularity?: number | undefined;
  /**
   * The most bytes of a file.
   *
   * @default {5497558138880} 5 TiB
   */
  readonly maxBytes?: number | undefined;
  /** Reads what a client says of its file in the API's own words; throws an {@linkcode HttpError} for any field that it does not know. */
  describe(metadata: Readonly<Record<string, unknown>>): FileDescription;
  /** What the API is told of a file: the JSON of the start. */
  metadata(file: Pick<NewObject, "name" | "contentType">): Readonly<Record<string, unknown>>;
  /**
   * Reads the result of an upload: with `name` and `size`, and in `resource` what the client is shown. `undefined` where it is
   * none. Take over the fields that you know, and no others.
   */
  read(result: Readonly<Record<string, unknown>>): Omit<FinishedObject, "bucket"> | undefined;
}

/**
 * Makes a {@linkcode Backend} of an upload API that speaks Google's `Content-Range` protocol or `X-Goog-Upload`, for the option
 * `backends`. Each client protocol of the proxy can be used to it, and its sessions are sealed as all others. Tickets name it
 * in the claim `backend`, and bound name (`object`, `prefix`), media type and size. Checksums of clients are not compared.
 *
 * @throws {TypeError} an option is missing or malformed
 *
 * @example Drive, with a token of the operator's
 * ```ts
 * import { apiBackend, createUploadProxy } from "@resumable-media/upload/worker";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const google = new GcsEmulator(); // leave it out to reach Google
 * const drive = apiBackend({
 *   name: "drive",
 *   path: /^\/upload\/drive\/v3\/files$/,
 *   url: "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&fields=id,name,size",
 *   transport: (url, init) => {
 *     const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization: "Bearer t" };
 *     return google.fetch(url, { ...init, headers });
 *   },
 *   fetch: google.fetch,
 *   describe: () => ({}), // the name is in the query
 *   metadata: ({ name, contentType }) => ({ name, mimeType: contentType }),
 *   read: ({ id, name, size }) => ({ name: String(id), size: Number(size), resource: { id, name } }),
 * });
 * const proxy = createUploadProxy({
 *   backends: [drive],
 *   authorize: () => ({ backend: "drive", prefix: "" }),
 *   sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"], // not this: 32 random bytes of your own
 * });
 * const url = "https://proxy.example/upload/drive/v3/files?uploadType=media&name=a.txt";
 * const reply = await proxy.fetch(new Request(url, { method: "POST", body: "hello" }));
 * console.log(reply.status, (await reply.json()).name); // 200 a.txt
 * ```
 */
export function apiBackend(options: ApiBackendOptions): Backend {
  const { name, url, transport, metadata, method = "POST" } = options;
  const protocol = chosenProtocol(options.protocol);
  if (!URL.canParse(url) || typeof transport !== "function") {
    throw new TypeError(`The backend ${name}: expected the URL of the API, and a transport`);
  }
  const { origin } = new URL(url);
  const plain: Transport = options.fetch ?? ((input, init) => fetch(input, init));
  const onSession = (head: RequestHead, body: PassedBody | null, trace: BackendTrace) =>
    sendHead(plain, head, body, trace);
  const read: ResultReader = (result) => {
    const object = options.read(result);
    return object && { bucket: "", ...object };
  };

  const ask: Backend["ask"] = async (target, trace) => {
    const reply = await onSession(protocol.status(origin + target, new Headers()), null, trace);
    return outcomeOf(protocol, reply, STATUS, read);
  };
  /** Whether bytes have arrived all the same: the reply may be all that was lost, and some clients, Google's own too, do not ask. */
  const arrived = async (target: string, { end }: Span, trace: BackendTrace) => {
    const known = await ask(target, trace).catch(() => undefined);
    const isThere = known?.kind === "finished" ||
      (known?.kind === "stored" && end !== undefined && known.persisted === end);
    return isThere ? known : undefined;
  };
  /** Sends bytes. */
  const send = async (target: string, span: Span, body: PassedBody, trace: BackendTrace) => {
    const head = chunkHead(protocol, origin + target, span);
    const { first: persisted, end: sent = Infinity } = span;
    const question = { asked: "chunk", persisted, known: persisted, sent } as const;
    try {
      const outcome = outcomeOf(protocol, await onSession(head, body, trace), question, read);
      if (outcome.kind === "refused") return await arrived(target, span, trace) ?? outcome;
      // A success that does not say how much is stored may have come before all bytes were read.
      return outcome.kind === "stored" && outcome.persisted === undefined
        ? await ask(target, trace)
        : outcome;
    } catch (error) {
      const outcome = body.problem() ? undefined : await arrived(target, span, trace);
      if (outcome) return outcome;
      throw error;
    }
  };
  /** Finishes what is stored, if that is exactly so much. */
  const finish = async (target: string, total: number, trace: BackendTrace): Promise<Outcome> => {
    const known = await ask(target, trace);
    if (known.kind !== "stored" || (known.persisted ?? 0) !== total) return known;
    const head = chunkHead(protocol, origin + target, { first: total, end: total, total });
    const question = { ...STATUS, persisted: total, sent: total };
    return outcomeOf(protocol, await onSession(head, null, trace), question, read);
  };

  return {
    name,
    granularity: options.granularity ?? 262_144,
    maxBytes: options.maxBytes ?? 5_497_558_138_880,
    locate: (path) => options.path.test(path) ? {} : undefined,
    describe: (fields) => options.describe(fields),
    ask,
    async start(file, trace) {
      const json = JSON.stringify(metadata(file));
      const { contentType, size: total } = file;
      const input = { method, url, headers: new Headers(), metadata: json, contentType, total };
      const reply = await sendHead(transport, protocol.start(input), json, trace);
      const opened = protocol.opened(reply, url);
      if (opened.kind !== "opened") return refusedStart(opened, reply);
      const session = new URL(opened.url);
      if (session.origin !== origin) {
        throw badGateway("The API opened a session somewhere else", false);
      }
      const { granularity } = opened;
      return {
        target: session.pathname + session.search,
        ...(granularity > 1 && { granularity }),
      };
    },
    async append(target, chunk, body, trace) {
      const span = spanOf(chunk, body);
      if (span) return await send(target, span, body, trace);
      const { total } = chunk.range!;
      return total === undefined ? await ask(target, trace) : await finish(target, total, trace);
    },
    async cancel(target, trace) {
      const reply = await onSession(protocol.cancel(origin + target, new Headers()), null, trace);
      if (protocol.isCancelled(reply)) return { kind: "cancelled" };
      return outcomeOf(protocol, reply, STATUS, read);
    },
  };
}

/** What is known when a session is asked about: nothing, since somebody else may have been sending. */
const STATUS = { asked: "status", persisted: 0, known: 0, sent: Infinity } as const;

/** Where bytes go. */
interface Span {
  readonly first: number;
  /** Where they end; `undefined` where nobody knows before the body ends. */
  readonly end: number | undefined;
  /** The size of the whole, where these bytes are its end or it is known otherwise. */
  readonly total: number | undefined;
}

/** Where the bytes of a chunk go; `undefined` where there are none. */
function spanOf({ range }: Chunk, { length }: PassedBody): Span | undefined {
  if (!range) return { first: 0, end: length, total: length };
  const { first, last, total } = range;
  if (first === undefined) return undefined;
  if (last !== undefined) return { first, end: last + 1, total };
  const end = total ?? (length === undefined ? undefined : first + length);
  return { first, end, total: end };
}

function chunkHead(
  protocol: UploadProtocol,
  url: string,
  { first: offset, end, total }: Span,
): RequestHead {
  const size = (end ?? offset + 1) - offset;
  const last = end === total;
  const contentType = "application/octet-stream";
  const headers = new Headers();
  const head = protocol.chunk({
    url,
    headers,
    contentType,
    offset,
    size,
    total,
    last,
    hash: undefined,
  });
  // No value of the protocol says that the end of the body is the end of the whole.
  if (end === undefined && protocol.name === "content-range") {
    head.headers.set("content-range", `bytes ${offset}-*/*`);
  }
  return head;
}

async function sendHead(
  to: Transport,
  { method, url, headers }: RequestHead,
  body: PassedBody | string | null,
  trace: BackendTrace,
): Promise<UpstreamReply> {
  const reply = await sendUpstream(to, {
    method,
    url,
    headers: Object.fromEntries(headers),
    body,
  });
  trace.upstreamStatus = reply.status;
  trace.upstreamMs = (trace.upstreamMs ?? 0) + reply.milliseconds;
  return reply;
}
