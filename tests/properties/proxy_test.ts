// The same through the edge proxy, with a bad network on both of its sides.

import { assert } from "@std/assert";
import fc from "fast-check";
import type { Transport } from "../../mod.ts";
import type { Fault } from "../../src/emulator/mod.ts";
import { createUploadProxy } from "../../src/proxy/proxy.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { pass } from "./support/faults.ts";
import { type Mishap, mishaps, network } from "./support/network.ts";
import { property } from "./support/property.ts";
import {
  BUCKET,
  checkOutcome,
  faultsOf,
  google,
  PATIENT,
  run,
  type Scenario,
  scenarios,
} from "./support/scenario.ts";
import { QUANTUM } from "./support/sources.ts";

/** 32 bytes in base64url. */
const SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

interface Proxied {
  readonly scenario: Scenario;
  /** What goes wrong between the proxy and Google; the scenario's own mishaps are on the client's side. */
  readonly behind: Mishap[];
  /** Whether bodies come with a `Content-Length`. */
  readonly announced: boolean;
}

const proxied: fc.Arbitrary<Proxied> = fc.record({
  scenario: scenarios,
  behind: mishaps.map((all) => all.filter(({ kind }) => kind !== "cut")),
  announced: fc.boolean(),
});

/** Hands requests to the proxy as a server does. */
function asServer(
  proxy: { fetch(request: Request): Promise<Response> },
  announced: boolean,
): Transport {
  return (url, init) => {
    const headers = new Headers(init.headers);
    if (announced && init.body instanceof Uint8Array) {
      headers.set("content-length", String(init.body.length));
    }
    return proxy.fetch(new Request(url, { ...init, headers }));
  };
}

/** A request whose body is a stream can be read once only: it is read here, so that it can be sent twice. */
function whole(to: Transport): Transport {
  return async (url, init) => {
    if (!(init.body instanceof ReadableStream)) return await to(url, init);
    let body: Uint8Array<ArrayBuffer>;
    try {
      body = new Uint8Array(await new Response(init.body).arrayBuffer());
    } catch {
      throw new TypeError("fetch failed: the body of the request failed");
    }
    const headers = new Headers(init.headers);
    headers.delete("content-length");
    return await to(url, { ...init, headers, body });
  };
}

/** Uploads through the proxy, and checks everything that holds of it. */
async function through({ scenario, behind, announced }: Proxied): Promise<number> {
  const clock = fakeClock();
  const gcs = google(scenario, clock);
  const inner = network(gcs.fetch, behind);
  const send = behind.length > 0 ? whole(inner.transport) : inner.transport;
  const proxy = createUploadProxy({
    transport: send,
    fetch: send,
    bucket: BUCKET,
    sessionSecrets: [SECRET],
    authorize: () => ({ prefix: "" }),
  });
  const outer = network(asServer(proxy, announced), scenario.mishaps);
  const outcome = await run(scenario, outer.transport, clock, {}, "https://proxy.example");
  checkOutcome(scenario, outcome, gcs);
  const hits = faultsOf(gcs) + outer.hits() + inner.hits();
  const patient = scenario.loop === "manual" || scenario.maxAttempts === PATIENT;
  const passes = patient && pass(scenario.faults) && !scenario.declared;
  if (passes && outcome.error) throw outcome.error;
  const most = scenario.size + Math.max(0, scenario.declared ?? 0) +
    hits * scenario.quanta * QUANTUM + 100 * (1 + hits);
  assert(outer.bytes() <= most, `${outer.bytes()} bytes sent, with ${hits} failures`);
  await outer.settle();
  await inner.settle();
  checkOutcome(scenario, outcome, gcs);
  return hits;
}

property(
  "through the proxy, a file arrives exactly and once, or there is a typed error and no wrong object",
  400,
  proxied,
  async (value, tally) => void (tally.faults += await through(value)),
);

property(
  "bytes that are damaged behind the proxy never become an object",
  100,
  fc.tuple(proxied, fc.integer({ min: 0, max: 2 })).map(([value, skip]) => ({
    ...value,
    scenario: {
      ...value.scenario,
      checksum: value.scenario.checksum ?? "auto",
      runningHash: false,
      faults: [{ on: ["chunk", "final"], skip, corrupt: true }] satisfies Fault[],
    },
  })),
  async (value, tally) => void (tally.faults += await through(value)),
);
