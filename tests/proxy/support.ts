// What the tests of the proxy share: a proxy with an emulated Google behind it, and everything that went there.

import type { Transport } from "../../mod.ts";
import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import {
  createUploadProxy,
  signUploadTicket,
  type UploadGrant,
  type UploadLogEntry,
  type UploadProxy,
  type UploadProxyOptions,
} from "../../src/worker.ts";

export const TICKET_SECRET = "a ticket secret of more than thirty-two bytes";
/** 32 bytes in base64url. */
export const SESSION_SECRET = "x3Qb0m1lq2cKf8uJ7nZtVY5wRk9sDhG4EoXpTaLiMBc";
export const ORIGIN = "https://proxy.example";
export const UPLOAD: string = `${ORIGIN}/upload/storage/v1/b/my-bucket/o`;

/** A request that reached Google. */
export interface Sent {
  /** Whether it went with the proxy's own credentials. */
  readonly authorized: boolean;
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** What was read of its body so far. */
  readonly body: () => Uint8Array<ArrayBuffer>;
}

/** A proxy, Google behind it, and what they noted. */
export interface Setup {
  readonly proxy: Pick<UploadProxy, "fetch">;
  readonly gcs: GcsEmulator;
  /** Requests to Google, in their order. */
  readonly sent: Sent[];
  readonly log: UploadLogEntry[];
}

/** Sets up a proxy for `my-bucket` that wants tickets of {@linkcode TICKET_SECRET}. */
export function setup(
  options: Partial<UploadProxyOptions> = {},
  emulator: GcsEmulatorOptions = {},
): Setup {
  const gcs = new GcsEmulator(emulator);
  const sent: Sent[] = [];
  const log: UploadLogEntry[] = [];
  const recording = (authorized: boolean, to: Transport): Transport => (url, init) => {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const body = init.body instanceof ReadableStream
      ? init.body.pipeThrough(
        new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform(piece, controller) {
            pieces.push(piece.slice());
            controller.enqueue(piece);
          },
        }),
      )
      : init.body ?? null;
    if (typeof body === "string") pieces.push(new TextEncoder().encode(body));
    sent.push({
      authorized,
      method: init.method!,
      url: new URL(url),
      headers: new Headers(init.headers),
      body: () => joined(pieces),
    });
    return to(url, { ...init, body });
  };
  const proxy = createUploadProxy({
    bucket: "my-bucket",
    sessionSecrets: [SESSION_SECRET],
    ...(!options.authorize && { tickets: { secret: TICKET_SECRET } }),
    log: (entry) => log.push(entry),
    ...options,
    transport: recording(true, options.transport ?? gcs.fetch),
    fetch: recording(false, options.fetch ?? gcs.fetch),
  });
  return { proxy, gcs, sent, log };
}

function joined(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** An `Authorization` header with a ticket for any name, or for what the grant says. */
export async function bearer(grant: UploadGrant = { prefix: "" }): Promise<string> {
  const options = { expiresIn: 600 };
  return `Bearer ${await signUploadTicket(
    TICKET_SECRET,
    { ...grant, subject: grant.subject ?? "user-17" },
    options,
  )}`;
}

/** What a request to the proxy is made of. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
  /** The ticket's grant; `null` for no ticket. Not sent along with an `upload_id`. */
  readonly grant?: UploadGrant | null | undefined;
}

/** Sends a request to the proxy: `to` is a URL, or a query of the upload path. */
export async function ask({ proxy }: Setup, to: string, ask: Ask = {}): Promise<Response> {
  const { method = "POST", headers, body, grant } = ask;
  const url = to.startsWith("?") ? UPLOAD + to : to;
  const ticket = grant === null || url.includes("upload_id=") ? undefined : await bearer(grant);
  return await proxy.fetch(
    new Request(url, {
      method,
      headers: { ...(ticket && { authorization: ticket }), ...headers },
      body,
      ...(body instanceof ReadableStream && { duplex: "half" }),
    } as RequestInit),
  );
}

/** Starts an upload and gives its URL on the proxy. */
export async function start(
  setup: Setup,
  query = "name=a",
  options: Ask = {},
): Promise<string> {
  const response = await ask(setup, `?uploadType=resumable&${query}`, options);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.headers.get("location")!;
}

/** Status and reason of an error as Google writes it: `400 invalid`; only the status of anything else. */
export async function outcome(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: { errors: { reason: string }[] } };
    return error ? `${response.status} ${error.errors[0].reason}` : `${response.status}`;
  } catch {
    return `${response.status}`;
  }
}

/** A multipart body of two parts, and its headers. */
export function multipart(
  metadata: unknown,
  media: string,
  mediaType: string | null = "text/plain",
): Required<Pick<Ask, "headers">> & { body: string } {
  const type = mediaType === null ? "" : `content-type: ${mediaType}\r\n`;
  const json = typeof metadata === "string" ? metadata : JSON.stringify(metadata);
  return {
    headers: { "content-type": "multipart/related; boundary=frame" },
    body: `--frame\r\ncontent-type: application/json\r\n\r\n${json}\r\n` +
      `--frame\r\n${type}\r\n${media}\r\n--frame--\r\n`,
  };
}

/** The bytes in pieces of that size; says when it is cancelled. */
export function inPieces(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
  onCancel: () => void = () => {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}
