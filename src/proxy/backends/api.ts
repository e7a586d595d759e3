/** Google's other upload APIs as places where bytes go, and any API that speaks one of their protocols. */

import type { Transport } from "../../net/transport.ts";
import { chosenProtocol } from "../../protocol/protocols.ts";
import type { Method, UploadProtocol } from "../../protocol/upload_protocol.ts";
import type { Backend, FileDescription, NewObject } from "../backend.ts";
import { badGateway, quote } from "../http_error.ts";
import type { FinishedObject } from "../outcome.ts";
import { refusedStart } from "./api_reply.ts";
import { sendHead, sessionRequests } from "./api_session.ts";

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
  checkOptions(options);
  const { name, url, transport, metadata, path, method = "POST" } = options;
  const protocol = chosenProtocol(options.protocol);
  const { origin } = new URL(url);
  const pattern = new RegExp(path.source, path.flags.replace(/[gy]/g, "")); // these remember where they were
  return {
    name,
    granularity: options.granularity ?? 262_144,
    maxBytes: options.maxBytes ?? 5_497_558_138_880,
    locate: (path) => pattern.test(path) ? {} : undefined,
    describe: (fields) => options.describe(fields),
    ...sessionRequests({
      origin,
      protocol,
      transport: options.fetch ?? ((input, init) => fetch(input, init)),
      read(result) {
        const object = options.read(result);
        return object && { bucket: "", ...object };
      },
    }),
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
      // The other protocol has no word for it.
      const isSaid = protocol.name === "x-goog-upload" && granularity > 1;
      return { target: session.pathname + session.search, ...(isSaid && { granularity }) };
    },
  };
}

const OPTIONS: Readonly<Record<keyof ApiBackendOptions, true>> = {
  describe: true,
  fetch: true,
  granularity: true,
  maxBytes: true,
  metadata: true,
  method: true,
  name: true,
  path: true,
  protocol: true,
  read: true,
  transport: true,
  url: true,
};

function checkOptions(options: ApiBackendOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("apiBackend: expected options as an object, got none");
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new TypeError(`apiBackend: the option ${quote(unknown)} is not known`);
  }
  const { url, path, transport, describe, metadata, read } = options;
  if (!URL.canParse(url)) throw new TypeError("apiBackend: expected url to be that of the API");
  if (!(path instanceof RegExp)) {
    throw new TypeError("apiBackend: expected path to be a regular expression");
  }
  for (const [option, value] of Object.entries({ transport, describe, metadata, read })) {
    if (typeof value !== "function") {
      throw new TypeError(`apiBackend: expected ${option} to be a function, got ${typeof value}`);
    }
  }
}
