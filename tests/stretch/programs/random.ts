/**
 * Uploads at random, with random faults, over a connection; prints what did not hold.
 *
 * Usage: `random ORIGIN FIRST_SEED RUNS`
 *
 * @module
 */

import process from "node:process";
import { runAt } from "../scenario.ts";

const [origin, first, runs] = process.argv.slice(2);
const failures: string[] = [];
for (let seed = Number(first); seed < Number(first) + Number(runs); seed++) {
  try {
    await runAt(origin, seed);
  } catch (error) {
    failures.push(`seed ${seed}: ${(error as Error).stack ?? error}`);
  }
}
console.log("report", JSON.stringify({ failures }));
