// Uploads through the proxy to both backends with a bad network on both of its sides and hooks that fail, by a client that
// changes its protocol from request to request: X-Goog-Upload, Google's, tus.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Transport } from "../../mod.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy, geminiFiles } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { faults, pass } from "../properties/support/faults.ts";
import {
  network,
  type NetworkFault,
  networkFaults,
  RETRYABLE,
} from "../properties/support/network.ts";
import { property } from "../properties/support/property.ts";
import { asServer, whole } from "../properties/support/proxied.ts";
import { sizes } from "../properties/support/sources.ts";
import { ORIGIN, SESSION_SECRET, UPLOAD } from "./support.ts";
import { Q } from "./tus_support.ts";
import { sample } from "./x_goog_support.ts";

type Words = "x-goog-upload" | "google" | "tus";

interface Case {
  readonly isGemini: boolean;
  readonly size: number;
  readonly isDeclared: boolean;
  /** Quanta in the client's requests, in turn, and bytes beside them where the protocol allows that. */
  readonly chunks: readonly (readonly [quanta: number, more: number])[];
  readonly words: readonly Words[];
  /** Whether bodies come with a `Content-Length`. */
  readonly isAnnounced: boolean;
  readonly faults: Fault[];
  readonly before: NetworkFault[];
  readonly behind: NetworkFault[];
  /** How often `onFinish` fails at first. */
  readonly failures: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  isGemini: fc.boolean(),
  size: sizes,
  isDeclared: fc.boolean(),
  chunks: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 0, 1, Q - 1)), {
    minLength: 1,
    maxLength: 4,
  }),
  words: fc.array(fc.constantFrom<Words>("x-goog-upload", "x-goog-upload", "google", "tus"), {
    minLength: 1,
    maxLength: 5,
  }),
  isAnnounced: fc.boolean(),
  faults: faults.filter(pass),
  before: networkFaults,
  behind: networkFaults.map((all) => all.filter(({ kind }) => kind !== "cut")),
  failures: fc.constantFrom(0, 0, 1, 2),
});

/** More attempts than there are failures. */
const PATIENT = 60;

const isPassing = (status: number) => (RETRYABLE as readonly number[]).includes(status);

/** Where the client stands: at an offset, at the end, or nowhere that it knows. */
type Standing = number | "final" | undefined;

/** A client that believes what replies say, no more and no less. */
class Client {
  readonly #send: Transport;
  readonly #case: Case;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Whether the last bytes were sent: they may arrive when the client has gone on. */
  #hasEnded = false;

  constructor(send: Transport, scenario: Case, bytes: Uint8Array<ArrayBuffer>) {
    this.#send = send;
    this.#case = scenario;
    this.#bytes = bytes;
  }

  async upload(): Promise<void> {
    const url = await this.#start();
    let standing: Standing = 0;
    for (let turn = 0; turn < PATIENT; turn++) {
      if (standing === "final") return;
      standing = standing === undefined
        ? await this.#query(url)
        : await this.#next(url, standing, turn);
    }
    throw new Error("the upload does not end");
  }

  async #start(): Promise<string> {
    const { isGemini, isDeclared } = this.#case;
    const to = isGemini ? `${ORIGIN}/upload/v1beta/files` : `${UPLOAD}?name=a`;
    for (let attempt = 0; attempt < PATIENT; attempt++) {
      const reply = await this.#ask("POST", to, undefined, {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        ...(isDeclared && { "x-goog-upload-header-content-length": `${this.#bytes.length}` }),
      });
      if (reply?.status === 200) return reply.headers.get("x-goog-upload-url")!;
      assert(!reply || isPassing(reply.status), `a start is refused: ${reply?.status}`);
    }
    throw new Error("the start does not end");
  }

  async #query(url: string): Promise<Standing> {
    const reply = await this.#ask("POST", url, undefined, { "x-goog-upload-command": "query" });
    if (!reply || (isPassing(reply.status) && !reply.ok)) return undefined;
    assertEquals(reply.status, 200);
    if (reply.headers.get("x-goog-upload-status") === "final") return "final";
    return Number(reply.headers.get("x-goog-upload-size-received"));
  }

  /** The next bytes, in the words of this turn. */
  async #next(url: string, offset: number, turn: number): Promise<Standing> {
    const { chunks, words } = this.#case;
    const [quanta, more] = chunks[turn % chunks.length];
    const protocol = words[turn % words.length];
    const size = quanta * Q + (protocol === "x-goog-upload" ? 0 : more);
    const body = this.#bytes.subarray(offset, offset + size);
    const end = offset + body.length;
    const isLast = end === this.#bytes.length;
    this.#hasEnded ||= isLast;
    return protocol === "x-goog-upload"
      ? await this.#xGoog(url, { offset, body, end, isLast })
      : protocol === "google"
      ? await this.#google(url, { offset, body, end, isLast })
      : await this.#tus(url, { offset, body, end, isLast });
  }

  async #xGoog(url: string, { offset, body, end, isLast }: Part): Promise<Standing> {
    const reply = await this.#ask("POST", url, body, {
      "x-goog-upload-command": isLast ? "upload, finalize" : "upload",
      "x-goog-upload-offset": `${offset}`,
    });
    if (!reply) return undefined;
    const status = reply.headers.get("x-goog-upload-status");
    if (!reply.ok) {
      // A network in between refuses without the header.
      assert(status !== "final", `refused for good: ${reply.status}`);
      return undefined;
    }
    if (status === "final") {
      assert(this.#hasEnded, "the upload is finished before its end");
      return "final";
    }
    assertEquals(
      reply.headers.get("x-goog-upload-size-received"),
      `${end}`,
      "a part for the whole",
    );
    return end;
  }

  async #google(url: string, { offset, body, end, isLast }: Part): Promise<Standing> {
    const range = body.length > 0 ? `${offset}-${end - 1}` : "*";
    const headers = { "content-range": `bytes ${range}/${isLast ? end : "*"}` };
    const reply = await this.#ask("PUT", url, body, headers);
    if (reply?.status === 200) {
      assert(this.#hasEnded, "the upload is finished before its end");
      return "final";
    }
    if (reply?.status !== 308) return undefined;
    const stored = Number(/-(\d+)$/.exec(reply.headers.get("range") ?? "--1")![1]) + 1;
    assert(stored <= Math.max(end, offset), "more than was sent");
    return reply.headers.has("range") ? stored : 0;
  }

  async #tus(url: string, { offset, body, end, isLast }: Part): Promise<Standing> {
    const reply = await this.#ask("PATCH", url, body, {
      "tus-resumable": "1.0.0",
      "content-type": "application/offset+octet-stream",
      "upload-offset": `${offset}`,
      ...(isLast && { "upload-length": `${end}` }),
    });
    if (reply?.status !== 204) return undefined;
    const reached = Number(reply.headers.get("upload-offset"));
    assert(reached <= end, "more than was sent");
    assert(body.length === 0 || reached > offset, "success without progress");
    return isLast && reached === end ? "final" : reached;
  }

  async #ask(
    method: string,
    url: string,
    body: Uint8Array<ArrayBuffer> | undefined,
    headers: Record<string, string>,
  ): Promise<Response | undefined> {
    try {
      return await this.#send(url, { method, headers, body: body ?? null });
    } catch (error) {
      if (error instanceof TypeError) return undefined; // the network
      throw error;
    }
  }
}

/** Bytes that a request carries. */
interface Part {
  readonly offset: number;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly end: number;
  readonly isLast: boolean;
}

property(
  "in three protocols on one session, a file arrives exactly at either backend, whatever goes wrong, and after the operator's code has heard of it",
  200,
  cases,
  async (scenario, tally) => {
    const bytes = sample(scenario.size);
    const gcs = new GcsEmulator({ sleep: () => Promise.resolve(), granularity: Q });
    gcs.inject(...scenario.faults);
    const inner = network(gcs.fetch, scenario.behind);
    const send = scenario.behind.length > 0 ? whole(inner.transport) : inner.transport;
    let heard = 0, left = scenario.failures;
    const proxy = createUploadProxy({
      transport: send,
      fetch: send,
      bucket: "my-bucket",
      backends: [geminiFiles({ apiKey: "key", fetch: send })],
      sessionSecrets: [SESSION_SECRET],
      authorize: () => ({ name: "a", ...(scenario.isGemini && { backend: "gemini" }) }),
      onFinish: () => {
        if (left-- > 0) throw new Error("the database is down");
        heard++;
      },
    });
    const outer = network(asServer(proxy, scenario.isAnnounced), scenario.before);
    await new Client(outer.transport, scenario, bytes).upload();
    assert(heard > 0, "success before onFinish");
    await outer.settle();
    await inner.settle();
    const stored = scenario.isGemini
      ? gcs.uploads.map((upload) => upload.bytes!)
      : [gcs.get("my-bucket", "a")!.bytes!];
    assertEquals(stored.map((one) => difference(one, bytes)), [-1], "the first byte that differs");
    tally.faults += gcs.requests.filter(({ fault }) => fault !== null).length + outer.hits() +
      inner.hits();
  },
);
