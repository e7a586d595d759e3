// The clock of the platform: sleeping and timers end with their signal, and leave nothing behind.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { abortable, systemClock } from "../../src/net/clock.ts";

Deno.test("sleeping ends at once, with the signal's own reason, and leaves no timer", async () => {
  const own = new Error("enough");
  const abort = new AbortController();
  const sleep = systemClock.sleep(3_600_000, abort.signal);
  abort.abort(own);
  assertStrictEquals(await assertRejects(() => sleep), own);
  assertStrictEquals(await assertRejects(() => systemClock.sleep(3_600_000, abort.signal)), own);
});

Deno.test("sleeping takes at least the time asked for", async () => {
  const start = performance.now();
  await systemClock.sleep(20);
  assertEquals(performance.now() - start >= 19, true);
});

Deno.test("a timer longer than the platform's longest does not go off at once", () => {
  const stop = systemClock.setTimer(() => {
    throw new Error("went off");
  }, 1e15);
  stop();
});

Deno.test("what settles before the abort wins, and lets go of the signal", async () => {
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const add = signal.addEventListener.bind(signal),
    remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  assertEquals(await abortable(Promise.resolve(5), signal), 5);
  await assertRejects(() => abortable(Promise.reject(new Error("no")), signal), Error, "no");
  assertEquals(listeners, 0);
});
