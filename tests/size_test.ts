// What an application takes on with each entry point stays below its limit.

import { assertLessOrEqual } from "@std/assert";
import { LIMITS, RAISING, weigh } from "../tools/size.ts";

for (const [entry, limit] of Object.entries(LIMITS)) {
  Deno.test(`the bundle of ${entry} weighs at most ${limit} bytes gzip`, async () => {
    const { gzip } = await weigh(entry);
    assertLessOrEqual(gzip, limit, RAISING);
  });
}
