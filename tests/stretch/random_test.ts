// Random uploads of sources of known size, with random faults: the object is right, and nothing is sent that the server has.

import { assert, assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import {
  assertNothingTwice,
  long,
  manualClock,
  Recorder,
  send,
} from "../portable/cases/stretch_support.ts";
import { assertStored } from "../portable/cases/upload_support.ts";
import { startOrigin } from "../portable/server.ts";
import { runsOf } from "../properties/support/property.ts";
import { NAMES, program } from "./run.ts";
import { optionsOf, scenarioOf, seeded, sourceOf } from "./scenario.ts";

/** How many scenarios, and the first one's seed: PROPERTY_RUNS and PROPERTY_SEED, as for the other properties. */
const RUNS = runsOf(10);
const FIRST = Number(Deno.env.get("PROPERTY_SEED") ?? Math.floor(Math.random() * 1e9));

Deno.test("whatever goes wrong with long requests, the object is right and no byte is sent that the server has", async () => {
  console.log(`PROPERTY_SEED=${FIRST}`);
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    const random = seeded(seed);
    const scenario = scenarioOf(random);
    const { size, faults, isShortReading } = scenario;
    const what = `seed ${seed}: ${JSON.stringify(scenario)}`;
    const gcs = new GcsEmulator({ md5: scenario.checksum === "md5" });
    if (faults.length > 0) gcs.inject(...faults);
    const recorder = new Recorder();
    const clock = manualClock();
    const source = sourceOf(scenario, recorder, random);
    const transport = recorder.transport(gcs.fetch);
    try {
      await send(gcs, source, { ...optionsOf(scenario), retry: { clock }, transport });
    } catch (error) {
      throw new Error(what, { cause: error });
    }
    assertStored(gcs, long(size));
    assertNothingTwice(gcs.requests, what);
    assertEquals(recorder.closed, 1, what);
    assertEquals(clock.timers, 0, `${what}: timers`);
    const isClean = gcs.requests.every(({ fault }) => fault === null);
    if (isClean && !isShortReading && size > 0) assertEquals(recorder.bytesRead, size, what);
    const questions = gcs.requests.filter(({ kind }) => kind === "status").length;
    const wrong = gcs.requests.filter(({ fault }) => fault !== null).length;
    assert(questions <= wrong, `${what}: ${questions} questions after ${wrong} faults`);
  }
});

Deno.test("the same over connections, in Node, Bun and Deno", async (t) => {
  await using random = await program("random");
  console.log(`PROPERTY_SEED=${FIRST}`);
  for (const runtime of NAMES) {
    await t.step(runtime, async () => {
      const { origin, close } = await startOrigin();
      try {
        const args = [origin, String(FIRST), String(Math.min(RUNS, 60))];
        const { failures } = await random.run<{ failures: string[] }>(runtime, ...args);
        assertEquals(failures, []);
      } finally {
        await close();
      }
    });
  }
});
