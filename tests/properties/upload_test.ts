// A file arrives exactly and once, or there is a typed error: whatever the source, whatever goes wrong.

import { assert } from "@std/assert";
import { fakeClock } from "../support/fake_clock.ts";
import { pass } from "./support/faults.ts";
import { network } from "./support/network.ts";
import { property } from "./support/property.ts";
import {
  checkOutcome,
  faultsOf,
  google,
  PATIENT,
  run,
  type Scenario,
  scenarios,
} from "./support/scenario.ts";
import { QUANTUM } from "./support/sources.ts";

/** Uploads straight to Google, and checks everything that holds of it. */
async function direct(scenario: Scenario): Promise<number> {
  const clock = fakeClock();
  const gcs = google(scenario, clock);
  const way = network(gcs.fetch, scenario.networkFaults);
  const outcome = await run(scenario, way.transport, clock);
  checkOutcome(scenario, outcome, gcs);
  const hits = faultsOf(gcs) + way.hits();
  const patient = scenario.loop === "manual" || scenario.maxAttempts === PATIENT;
  if (patient && pass(scenario.faults) && !scenario.declared && outcome.error) throw outcome.error;
  checkBytes(scenario, way.bytes(), hits);
  await way.settle();
  checkOutcome(scenario, outcome, gcs);
  return hits;
}

/** A failure costs at most one chunk that is sent again. */
function checkBytes({ size, quanta, declared }: Scenario, sent: number, failures: number): void {
  const metadata = 100 * (1 + failures);
  const most = size + Math.max(0, declared ?? 0) + failures * quanta * QUANTUM + metadata;
  assert(sent <= most, `${sent} bytes sent for ${size}, with ${failures} failures`);
}

property(
  "a file arrives exactly and once, or there is a typed error and no wrong object",
  1000,
  scenarios,
  async (scenario, tally) => void (tally.faults += await direct(scenario)),
);

property(
  "without failures nothing is sent twice, and nobody is asked",
  150,
  scenarios.map((scenario) => ({ ...scenario, faults: [], networkFaults: [] })),
  async (scenario) => {
    const clock = fakeClock();
    const gcs = google(scenario, clock);
    const way = network(gcs.fetch, []);
    const outcome = await run(scenario, way.transport, clock);
    checkOutcome(scenario, outcome, gcs);
    if (scenario.declared) return;
    if (outcome.error) throw outcome.error;
    const bytes = gcs.requests.filter(({ kind }) => kind !== "initiate")
      .reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    assert(bytes === scenario.size, `${bytes} bytes arrived of ${scenario.size}`);
    assert(gcs.requests.every(({ kind }) => kind !== "status"), "asked without need");
  },
);
