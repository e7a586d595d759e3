// tus through the proxy with a bad network on both of its sides, hooks that fail, and now and then a request of Google's
// protocol on the same session.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Transport } from "../../mod.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy } from "../../src/worker.ts";
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
import { SESSION_SECRET, UPLOAD } from "./support.ts";
import { Q, sample } from "./tus_support.ts";

interface Case {
  readonly size: number;
  /** The sizes of the client's requests, in turn. */
  readonly chunks: number[];
  readonly isDeferred: boolean;
  readonly withCreation: boolean;
  /** Whether bodies come with a `Content-Length`. */
  readonly isAnnounced: boolean;
  /** Which requests speak Google's protocol instead, in turn. */
  readonly googles: boolean[];
  readonly faults: Fault[];
  readonly before: NetworkFault[];
  readonly behind: NetworkFault[];
  /** How often `onFinish` fails at first. */
  readonly failures: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  size: sizes,
  chunks: fc.array(fc.constantFrom(Q, Q + 1, 300_000, 2 * Q, 3 * Q - 1, 20 * Q), {
    minLength: 1,
    maxLength: 4,
  }),
  isDeferred: fc.boolean(),
  withCreation: fc.boolean(),
  isAnnounced: fc.boolean(),
  googles: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  faults: faults.filter(pass),
  before: networkFaults,
  behind: networkFaults.map((all) => all.filter(({ kind }) => kind !== "cut")),
  failures: fc.constantFrom(0, 0, 1, 2),
  // An empty upload of a known length is finished by its creation, with pauses that would take too long here.
}).map((one) => ({ ...one, isDeferred: one.isDeferred || one.size === 0 }));

/** More attempts than there are failures. */
const PATIENT = 60;

/** A client that keeps to the specification, and to nothing else. It ends with the full offset, or with a status. */
class Client {
  readonly #send: Transport;
  readonly #case: Case;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #turn = 0;

  constructor(send: Transport, scenario: Case, bytes: Uint8Array<ArrayBuffer>) {
    this.#send = send;
    this.#case = scenario;
    this.#bytes = bytes;
  }

  async upload(): Promise<number | "done"> {
    const created = await this.#create();
    if (typeof created === "number") return created;
    const { url } = created;
    const { length } = this.#bytes;
    let { offset } = created;
    // Of a deferred length the end is a request of its own, where the last bytes were not it.
    let isOpen = length > 0 || this.#case.isDeferred;
    for (let attempt = 0; isOpen && attempt < PATIENT; attempt++) {
      const next = offset < length || this.#case.isDeferred
        ? await this.#next(url, offset)
        : length;
      if (typeof next === "number") {
        offset = next;
        isOpen = offset < length;
        continue;
      }
      const found = await this.#head(url);
      if (found.status !== 200) return found.status;
      ({ offset } = found);
      isOpen = offset < length || found.isOpen;
    }
    assert(!isOpen, "the upload does not end");
    return "done";
  }

  async #create(): Promise<{ url: string; offset: number } | number> {
    const { isDeferred, withCreation } = this.#case;
    const body = withCreation && !isDeferred ? this.#chunk(0) : undefined;
    for (let attempt = 0; attempt < PATIENT; attempt++) {
      const reply = await this.#ask("POST", UPLOAD, body, {
        ...(isDeferred
          ? { "upload-defer-length": "1" }
          : { "upload-length": `${this.#bytes.length}` }),
        ...(body && { "content-type": "application/offset+octet-stream" }),
      });
      if (!reply || isPassing(reply.status)) continue;
      if (reply.status !== 201) return reply.status;
      return {
        url: reply.headers.get("location")!,
        offset: Number(reply.headers.get("upload-offset")),
      };
    }
    throw new Error("the creation does not end");
  }

  /** The next bytes, by one protocol or the other: where to go on, or nothing if that has to be asked. */
  async #next(url: string, offset: number): Promise<number | undefined> {
    const { googles, isDeferred } = this.#case;
    const body = this.#chunk(offset);
    const end = offset + body.length;
    const isLast = end === this.#bytes.length;
    if (googles[this.#turn++ % googles.length] && body.length % Q === 0 && !isLast) {
      const headers = { "content-range": `bytes ${offset}-${end - 1}/*` };
      await this.#ask("PUT", url, body, headers, false);
      return undefined;
    }
    const reply = await this.#ask("PATCH", url, body, {
      "content-type": "application/offset+octet-stream",
      "upload-offset": `${offset}`,
      ...(isDeferred && isLast && { "upload-length": `${end}` }),
    });
    if (!reply || isPassing(reply.status) || reply.status === 409) return undefined;
    if (reply.status !== 204) return undefined; // HEAD says what it is
    const reached = Number(reply.headers.get("upload-offset"));
    assert(body.length === 0 || reached > offset, "success without progress");
    assert(reached <= end, "more than was sent");
    return reached;
  }

  async #head(url: string): Promise<{ status: number; offset: number; isOpen: boolean }> {
    for (let attempt = 0; attempt < PATIENT; attempt++) {
      const reply = await this.#ask("HEAD", url);
      if (!reply || isPassing(reply.status)) continue;
      const { headers, status } = reply;
      if (status === 200) {
        const [offset, length] = [headers.get("upload-offset"), headers.get("upload-length")];
        assert(offset !== null && (length ?? headers.get("upload-defer-length")) !== null);
        return { status, offset: Number(offset), isOpen: length === null };
      }
      return { status, offset: 0, isOpen: true };
    }
    throw new Error("HEAD does not end");
  }

  #chunk(offset: number): Uint8Array<ArrayBuffer> {
    const { chunks } = this.#case;
    return this.#bytes.subarray(offset, offset + chunks[this.#turn % chunks.length]);
  }

  async #ask(
    method: string,
    url: string,
    body?: Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
    isTus = true,
  ): Promise<Response | undefined> {
    const sent = { ...(isTus && { "tus-resumable": "1.0.0" }), ...headers };
    try {
      return await this.#send(url, { method, headers: sent, body: body ?? null });
    } catch (error) {
      if (error instanceof TypeError) return undefined; // the network
      throw error;
    }
  }
}

const isPassing = (status: number) => (RETRYABLE as readonly number[]).includes(status);

property(
  "by tus, a file arrives exactly and once, whatever goes wrong, and the client hears of it after the operator's code",
  200,
  cases,
  async (scenario, tally) => {
    const bytes = sample(scenario.size);
    const gcs = new GcsEmulator({ sleep: () => Promise.resolve() });
    gcs.inject(...scenario.faults);
    const inner = network(gcs.fetch, scenario.behind);
    const send = scenario.behind.length > 0 ? whole(inner.transport) : inner.transport;
    let heard = 0, left = scenario.failures;
    const proxy = createUploadProxy({
      transport: send,
      fetch: send,
      bucket: "my-bucket",
      sessionSecrets: [SESSION_SECRET],
      authorize: () => ({ name: "a" }),
      onFinish: () => {
        if (left-- > 0) throw new Error("the database is down");
        heard++;
      },
    });
    const outer = network(asServer(proxy, scenario.isAnnounced), scenario.before);
    const said = await new Client(outer.transport, scenario, bytes).upload();
    const check = () => {
      const object = gcs.get("my-bucket", "a");
      assert(object, `there is no object: ${said}`);
      assertEquals(difference(object.bytes!, bytes), -1, "the first byte that differs");
    };
    if (said === "done") {
      check();
      assert(heard > 0, "success before onFinish");
    } else {
      // The reply to a creation with the last bytes was lost, and its object stands in the way of the next one.
      assert(said === 403 || said === 410, `${said}`);
      check();
    }
    await outer.settle();
    await inner.settle();
    check();
    tally.faults += gcs.requests.filter(({ fault }) => fault !== null).length + outer.hits() +
      inner.hits();
  },
);
