// The same through the edge proxy, with a bad network on both of its sides.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Fault } from "../../src/emulator/mod.ts";
import { createUploadProxy } from "../../src/proxy/proxy.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { pass } from "./support/faults.ts";
import {
  askedBy,
  checkStored,
  driveBy,
  type FrontCase,
  frontCases,
  frontPlace,
  startBy,
} from "./support/front_case.ts";
import { type FrontClient, fronts } from "./support/fronts.ts";
import { network, type NetworkFault, networkFaults } from "./support/network.ts";
import { property } from "./support/property.ts";
import { asServer, whole } from "./support/proxied.ts";
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
  /** What goes wrong between the proxy and Google; the scenario's own networkFaults are on the client's side. */
  readonly behind: NetworkFault[];
  /** Whether bodies come with a `Content-Length`. */
  readonly announced: boolean;
}

const proxied: fc.Arbitrary<Proxied> = fc.record({
  scenario: scenarios,
  behind: networkFaults.map((all) => all.filter(({ kind }) => kind !== "cut")),
  announced: fc.boolean(),
});

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
  const outer = network(asServer(proxy, announced), scenario.networkFaults);
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

/** Uploads by one front, or by several that take turns with one session. */
async function uploaded(chosen: readonly FrontClient[], scenario: FrontCase): Promise<number> {
  const place = frontPlace(scenario);
  const url = await startBy(chosen[0], place, scenario);
  assertEquals(await driveBy(chosen, place, scenario, url), "finished");
  checkStored(place, scenario, true);
  const hits = await place.settle();
  checkStored(place, scenario, true);
  return hits;
}

const sharing = fronts.filter(({ sharesSessions }) => sharesSessions);

for (const front of fronts) {
  property(
    `by ${front.name}, whatever breaks, the file is stored once and exactly, and what was called stored stays stored`,
    60,
    frontCases,
    async (scenario, tally) => void (tally.faults += await uploaded([front], scenario)),
  );

  property(
    `by ${front.name}, two clients on one session make one object of the same bytes`,
    30,
    frontCases,
    async (scenario, tally) => {
      const place = frontPlace(scenario);
      const url = await startBy(front, place, scenario);
      const ends = await Promise.all(
        [0, 1].map((turn) => driveBy([front], place, scenario, url, { turn })),
      );
      assertEquals(ends, ["finished", "finished"]);
      tally.faults += await place.settle();
      checkStored(place, scenario, true);
    },
  );

  property(
    `by ${front.name}, an upload that is given up leaves nothing, or what its client is told of`,
    40,
    frontCases,
    async (scenario, tally) => {
      const place = frontPlace(scenario);
      const url = await startBy(front, place, scenario);
      const end = await driveBy([front], place, scenario, url, { cancels: true });
      tally.faults += await place.settle();
      // Bytes that were on their way when the client gave up may have come first: asking tells.
      const known = await askedBy(front, place, scenario, url);
      assert(known === end || known === "finished", `${end}, and then ${known}`);
      checkStored(place, scenario, known === "finished");
    },
  );
}

property(
  "the fronts take turns with one session, and the file is stored once and exactly",
  80,
  frontCases,
  async (scenario, tally) => void (tally.faults += await uploaded(sharing, scenario)),
);

property(
  "two clients of different fronts on one session make one object of the same bytes",
  30,
  frontCases,
  async (scenario, tally) => {
    const place = frontPlace(scenario);
    const url = await startBy(sharing[0], place, scenario);
    const ends = await Promise.all(
      sharing.map((front, turn) => driveBy([front], place, scenario, url, { turn })),
    );
    assertEquals(ends, sharing.map(() => "finished"));
    tally.faults += await place.settle();
    checkStored(place, scenario, true);
  },
);
