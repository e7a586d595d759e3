// A client of the IETF's resumable uploads, written from the drafts alone: interop version 8, and 3 to 6 where they differ.

import type { Transport } from "../../mod.ts";

/** How a client goes about it. */
export interface DraftOptions {
  /** Where uploads are created. */
  readonly endpoint: string;
  /** What the creation brings beside the fields of the protocol. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default 8 */
  readonly version?: number | undefined;
  /** What the creation brings: no bytes, the first ones, or all of them. @default "nothing" */
  readonly first?: "nothing" | "a part" | "all" | undefined;
  /** The sizes of the requests, in turn, in bytes. The default is what the server allows at most. */
  readonly sizes?: readonly number[] | undefined;
  /** Whether the creation says the length. @default true */
  readonly saysLength?: boolean | undefined;
  /** Whether a success means all bytes of its request, whatever offset it says. @default false */
  readonly countsItself?: boolean | undefined;
  /** Whether the end is a request of its own. @default false */
  readonly endsApart?: boolean | undefined;
  /** How often it asks, tries again or is told another offset without progress before it gives up. @default 10 */
  readonly patience?: number | undefined;
  /** Does something on the upload in the place of the next request, and says so. */
  readonly instead?: ((url: string, offset: number) => Promise<boolean>) | undefined;
}

/** How an upload ended. */
export interface DraftResult {
  /** Of the last reply. */
  readonly status: number;
  readonly text: string;
  /** Whether that is what was made of the upload. */
  readonly isComplete: boolean;
  /** The upload, if there was one. */
  readonly url: string | undefined;
}

/** Uploads bytes, and goes on after whatever the drafts let a client go on after. */
export async function uploadByDraft(
  send: Transport,
  bytes: Uint8Array<ArrayBuffer>,
  options: DraftOptions,
): Promise<DraftResult> {
  return await new DraftClient(send, bytes, options).upload();
}

/** Goes on with an upload that another client has created. */
export async function resumeByDraft(
  send: Transport,
  bytes: Uint8Array<ArrayBuffer>,
  url: string,
  options: DraftOptions,
): Promise<DraftResult> {
  return await new DraftClient(send, bytes, options).resume(url);
}

/** A reply, read. */
interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Where an upload stands, or how it ended. */
type Standing = { readonly offset: number } | DraftResult;

class DraftClient {
  readonly #send: Transport;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #options: DraftOptions;
  readonly #version: number;
  #left: number;
  #turn = 0;
  #most = Infinity;
  #url: string | undefined;

  constructor(send: Transport, bytes: Uint8Array<ArrayBuffer>, options: DraftOptions) {
    this.#send = send;
    this.#bytes = bytes;
    this.#options = options;
    this.#version = options.version ?? 8;
    this.#left = options.patience ?? 10;
  }

  async upload(): Promise<DraftResult> {
    for (;;) {
      const created = await this.#create();
      if (created) return "offset" in created ? await this.#goOn(created.offset) : created;
      this.#spend("the creation does not end");
    }
  }

  async resume(url: string): Promise<DraftResult> {
    this.#url = url;
    const standing = await this.#ask();
    return "offset" in standing ? await this.#goOn(standing.offset) : standing;
  }

  /** Where to go on; nothing where there is no upload. */
  async #create(): Promise<Standing | undefined> {
    const { endpoint, headers, first = "nothing", saysLength = true } = this.#options;
    const body = first === "nothing"
      ? undefined
      : first === "all"
      ? this.#bytes
      : this.#bytes.subarray(0, this.#size(0));
    const isEnd = first === "all";
    const reply = await this.#request("POST", endpoint, isEnd, body, {
      ...headers,
      ...(saysLength && { "upload-length": String(this.#bytes.length) }),
    });
    if (!reply) return undefined;
    this.#url = reply.headers.get("location") ?? undefined;
    this.#readLimit(reply);
    if (this.#isComplete(reply)) return this.#ended(reply);
    if (isPassing(reply.status)) return this.#url === undefined ? undefined : await this.#ask();
    if (reply.status < 200 || reply.status > 299) return this.#ended(reply);
    if (this.#url === undefined) throw new Error("a success without a Location");
    return { offset: this.#reached(reply, 0, body?.length ?? 0, true) };
  }

  async #goOn(from: number): Promise<DraftResult> {
    const { instead } = this.#options;
    let offset = from;
    for (;;) {
      const isElsewhere = await instead?.(this.#url!, offset);
      const standing = isElsewhere ? await this.#ask() : await this.#append(offset);
      if (!("offset" in standing)) return standing;
      if (standing.offset <= offset) this.#spend("no progress");
      else this.#left = this.#options.patience ?? 10;
      ({ offset } = standing);
    }
  }

  async #append(offset: number): Promise<Standing> {
    const { length } = this.#bytes;
    const end = Math.min(length, offset + this.#size(offset));
    const body = this.#bytes.subarray(offset, end);
    const isEnd = end === length && (body.length === 0 || !this.#options.endsApart);
    const reply = await this.#request("PATCH", this.#url!, isEnd, body, {
      "upload-offset": String(offset),
      ...(this.#version >= 6 && { "content-type": "application/partial-upload" }),
    });
    if (!reply || isPassing(reply.status)) return await this.#ask();
    if (this.#isComplete(reply)) return this.#ended(reply);
    if (reply.status === 409) {
      const problem = JSON.parse(reply.text);
      if (`${problem["expected-offset"]}` !== reply.headers.get("upload-offset")) {
        throw new Error("a 409 that says two offsets");
      }
      this.#spend("the offset is never right");
      return await this.#ask(); // it may be finished by now
    }
    if (reply.status < 200 || reply.status > 299) return this.#ended(reply);
    if (isEnd) throw new Error("the end of the upload is a success, and not complete");
    return { offset: this.#reached(reply, offset, body.length) };
  }

  /** Retrieves the offset. */
  async #ask(): Promise<Standing> {
    for (;;) {
      this.#spend("the offset cannot be retrieved");
      const reply = await this.#request("HEAD", this.#url!, undefined, undefined, {});
      if (!reply || isPassing(reply.status)) continue;
      if (reply.status < 200 || reply.status > 299) return this.#ended(reply);
      this.#readLimit(reply);
      const offset = Number(reply.headers.get("upload-offset") ?? NaN);
      if (!Number.isSafeInteger(offset)) throw new Error("no offset");
      return this.#isComplete(reply) ? this.#ended(reply) : { offset };
    }
  }

  /** Where the next bytes begin after a success. */
  #reached({ headers }: Reply, from: number, length: number, isCreation = false): number {
    const said = headers.get("upload-offset");
    if (this.#version <= 6 && said === null) throw new Error("a success without an offset");
    // Of a creation nobody knows another way to hear of the upload.
    if (this.#version <= 6 && !isCreation && Number(said) !== from + length) {
      throw new Error("a success with another offset than was sent: the upload has failed");
    }
    if (said === null || this.#options.countsItself) return from + length;
    if (Number(said) > from + length) throw new Error("more is stored than was sent");
    return Number(said);
  }

  #size(offset: number): number {
    const { sizes } = this.#options;
    const wanted = sizes ? sizes[this.#turn++ % sizes.length] : this.#bytes.length - offset;
    return Math.min(wanted, this.#most);
  }

  #readLimit({ headers }: Reply): void {
    const most = /(?:^|, *)max-append-size=(\d+)/.exec(headers.get("upload-limit") ?? "")?.[1];
    if (most !== undefined) this.#most = Number(most);
  }

  #isComplete({ headers }: Reply): boolean {
    return this.#version === 3
      ? headers.get("upload-incomplete") === "?0"
      : headers.get("upload-complete") === "?1";
  }

  #ended(reply: Reply): DraftResult {
    const { status, text } = reply;
    return { status, text, isComplete: this.#isComplete(reply), url: this.#url };
  }

  #spend(what: string): void {
    if (this.#left-- <= 0) throw new Error(`the client gives up: ${what}`);
  }

  async #request(
    method: string,
    url: string,
    isEnd: boolean | undefined,
    body: Uint8Array<ArrayBuffer> | undefined,
    headers: Record<string, string>,
  ): Promise<Reply | undefined> {
    const version = this.#version;
    const [name, value] = version === 3
      ? ["upload-incomplete", isEnd ? "?0" : "?1"]
      : ["upload-complete", isEnd ? "?1" : "?0"];
    try {
      const response = await this.#send(url, {
        method,
        headers: {
          "upload-draft-interop-version": String(version),
          ...(isEnd !== undefined && { [name]: value }),
          ...headers,
        },
        body: body ?? null,
      });
      if (response.status >= 300 && response.status < 400) throw new Error("a redirect");
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      if (error instanceof TypeError) return undefined; // the network
      throw error;
    }
  }
}

const isPassing = (status: number) => status >= 500 || status === 408 || status === 429;
