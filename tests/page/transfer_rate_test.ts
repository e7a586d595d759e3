// How fast an upload is: measured over the last seconds, and not said before it is known.

import { assertEquals } from "@std/assert";
import { transferRate } from "../../examples/page/transfer_rate.ts";

Deno.test("one moment has no speed", () => {
  const meter = transferRate();
  assertEquals(meter.perSecond(), undefined);
  meter.note(0, 1000);
  assertEquals(meter.perSecond(), undefined);
  meter.note(50, 2000);
  assertEquals(meter.perSecond(), undefined);
});

Deno.test("speed is what was stored over the last seconds", () => {
  const meter = transferRate();
  for (let second = 0; second <= 30; second++) meter.note(1000 * second, 1e6 * second);
  assertEquals(meter.perSecond(), 1e6);
  for (let second = 31; second <= 60; second++) {
    meter.note(1000 * second, 30e6 + 2e6 * (second - 30));
  }
  assertEquals(meter.perSecond(), 2e6);
});

Deno.test("the same number again is no news, and a restart forgets", () => {
  const meter = transferRate();
  meter.note(0, 0);
  meter.note(1000, 500);
  meter.note(9000, 500);
  assertEquals(meter.perSecond(), 500);
  meter.restart();
  assertEquals(meter.perSecond(), undefined);
});
