/** The benchmarks, in the order of the document. */

import { crc32cBench } from "../crc32c.ts";
import { frontsBench } from "../fronts.ts";
import { lineBench } from "../line.ts";
import { manyBench } from "../many.ts";
import { memoryBench } from "../memory.ts";
import { parallelBench } from "../parallel.ts";
import { proxyBench } from "../proxy.ts";
import { proxyCostBench } from "../proxy_cost.ts";
import { roundTripsBench } from "../round_trips.ts";
import { sizeBench } from "../size.ts";
import { smallBench } from "../small.ts";
import { sourcesBench } from "../sources.ts";
import { uploadBench } from "../upload.ts";
import type { Bench } from "./bench.ts";

/** By the names they are called with. */
// deno-lint-ignore no-explicit-any -- each has a result of its own
export const BENCHES: Readonly<Record<string, Bench<any>>> = {
  upload: uploadBench,
  line: lineBench,
  parallel: parallelBench,
  memory: memoryBench,
  sources: sourcesBench,
  small: smallBench,
  many: manyBench,
  round_trips: roundTripsBench,
  crc32c: crc32cBench,
  proxy: proxyBench,
  fronts: frontsBench,
  proxy_cost: proxyCostBench,
  size: sizeBench,
};
