// An upload by any front, or by several in turn: random sizes, requests and failures, and the rules that hold of all of them.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Transport } from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { createUploadProxy } from "../../../src/proxy/proxy.ts";
import { difference } from "../../e2e/support.ts";
import { faults, pass } from "./faults.ts";
import type { FrontClient, Told } from "./fronts.ts";
import { type Network, network, type NetworkFault, networkFaults } from "./network.ts";
import { asServer, whole } from "./proxied.ts";
import { fileOf, QUANTUM, sizes } from "./sources.ts";

/** 32 bytes in base64url. */
const SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const BUCKET = "my-bucket", NAME = "a";
const COLLECTION = `https://proxy.example/upload/storage/v1/b/${BUCKET}/o`;

/** More requests than there are failures. */
const PATIENT = 80;

/** What is drawn at random. */
export interface FrontCase {
  readonly size: number;
  /** The quanta of each request, in turn. */
  readonly quanta: readonly number[];
  /** Which front each request speaks, in turn; taken modulo the fronts there are. */
  readonly turns: readonly number[];
  /** Which of two instances of the proxy each request reaches, in turn. */
  readonly instances: readonly number[];
  readonly announced: boolean;
  /** What goes wrong at Google, on the way to it, and on the way to the proxy. */
  readonly faults: Fault[];
  readonly behind: NetworkFault[];
  readonly before: NetworkFault[];
  /** After how many requests a client gives the upload up. */
  readonly cancelAfter: number;
}

const turns = (most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 5 });

export const frontCases: fc.Arbitrary<FrontCase> = fc.record({
  size: sizes.map((size) => Math.max(1, size)),
  quanta: turns(2).map((all) => all.map((quanta) => quanta + 1)),
  turns: turns(11),
  instances: turns(1),
  announced: fc.boolean(),
  faults: faults.filter(pass),
  behind: networkFaults.map((all) => all.filter(({ kind }) => kind !== "cut")),
  before: networkFaults,
  cancelAfter: fc.integer({ min: 0, max: 4 }),
});

/** A place for uploads: two instances of the proxy, an emulated Google, and the networks between them. */
export interface FrontPlace {
  readonly gcs: GcsEmulator;
  /** Sends to one instance or the other. */
  readonly send: Transport;
  /** Lets what is still under way arrive, and gives the number of failures. */
  settle(): Promise<number>;
}

/** Sets a place up as a case has it. */
export function frontPlace(scenario: FrontCase): FrontPlace {
  const gcs = new GcsEmulator({ sleep: () => Promise.resolve() });
  gcs.inject(...scenario.faults);
  const inner = network(gcs.fetch, scenario.behind);
  const transport = scenario.behind.length > 0 ? whole(inner.transport) : inner.transport;
  const instance = () =>
    asServer(
      createUploadProxy({
        transport,
        fetch: transport,
        bucket: BUCKET,
        sessionSecrets: [SECRET],
        authorize: () => ({ name: NAME }),
      }),
      scenario.announced,
    );
  const both = [instance(), instance()];
  let count = 0;
  const { instances } = scenario;
  const outer: Network = network(
    (url, init) => both[instances[count++ % instances.length]](url, init),
    scenario.before,
  );
  return {
    gcs,
    send: outer.transport,
    async settle() {
      await outer.settle();
      await inner.settle();
      const injected = gcs.requests.filter(({ fault }) => fault !== null).length;
      return injected + outer.hits() + inner.hits();
    },
  };
}

/** Starts an upload, however often that takes. */
export async function startBy(
  front: FrontClient,
  { send }: FrontPlace,
  { size }: FrontCase,
): Promise<string> {
  for (let attempt = 0; attempt < PATIENT; attempt++) {
    const url = await front.start(send, COLLECTION, size);
    if (typeof url === "string") return url;
    assertEquals(url, { kind: "unknown" }, `${front.name}: the start`);
  }
  throw new Error(`${front.name}: the start does not end`);
}

/**
 * Goes on with an upload to its end, each request by the front whose turn it is; the client that begins at `turn` takes its
 * turns from there. What a reply has called stored stays stored.
 */
export async function driveBy(
  fronts: readonly FrontClient[],
  { send }: FrontPlace,
  scenario: FrontCase,
  url: string,
  { turn = 0, cancels = false }: { turn?: number; cancels?: boolean } = {},
): Promise<Told["kind"]> {
  const { size, quanta, turns, cancelAfter } = scenario;
  const bytes = fileOf(size);
  let [offset, confirmed]: [number | undefined, number] = [0, 0];
  for (let at = turn; at < turn + PATIENT; at++) {
    const front = fronts[turns[at % turns.length] % fronts.length];
    const told: Told = await (offset === undefined
      ? front.ask(send, url, size)
      : cancels && at - turn >= cancelAfter
      ? front.cancel(send, url)
      : front.append(send, url, {
        offset,
        bytes: bytes.subarray(offset, offset + quanta[at % quanta.length] * QUANTUM),
        total: size,
      }));
    switch (told.kind) {
      case "finished":
      case "cancelled":
        return told.kind;
      case "refused":
        throw new Error(`${front.name}: ${told.status} ${told.words}`);
      case "unknown":
        offset = undefined;
        break;
      case "stored":
        assert(told.offset >= confirmed, `${front.name}: ${told.offset} after ${confirmed}`);
        assert(told.offset <= size, `${front.name}: more than there is`);
        offset = confirmed = told.offset;
    }
  }
  throw new Error("The upload does not end");
}

/** What a client is told of an upload in the end, however often it has to ask. */
export async function askedBy(
  front: FrontClient,
  { send }: FrontPlace,
  { size }: FrontCase,
  url: string,
): Promise<Told["kind"]> {
  for (let attempt = 0; attempt < PATIENT; attempt++) {
    const { kind } = await front.ask(send, url, size);
    if (kind !== "unknown") return kind;
  }
  throw new Error(`${front.name}: asking does not end`);
}

/** Exactly one object, which is the file; or none. */
export function checkStored({ gcs }: FrontPlace, { size }: FrontCase, isThere: boolean): void {
  const finished = gcs.sessions.filter(({ phase }) => phase === "finished").length;
  const object = gcs.get(BUCKET, NAME);
  assertEquals([object !== undefined, finished], isThere ? [true, 1] : [false, 0]);
  if (object) assertEquals(difference(object.bytes!, fileOf(size)), -1, "the first that differs");
}
