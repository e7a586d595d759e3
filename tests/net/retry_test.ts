import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { UploadError } from "../../src/errors.ts";
import {
  attemptDeadline,
  retrying,
  type RetryOptions,
  retryPolicy,
  type Step,
} from "../../src/net/retry.ts";
import { fakeClock } from "../support/fake_clock.ts";

const failure = new UploadError("unavailable", "503");
const failed = (retryAfter?: string): Step<string> => ({
  kind: "failed",
  error: failure,
  retryAfter,
});

/** Runs steps that fail for ever and returns the waits between them. */
async function waits(
  options: RetryOptions | null,
  random = 1,
  retryAfter?: string,
): Promise<number[]> {
  const clock = fakeClock(() => random);
  const policy = retryPolicy(options && { ...options, clock });
  const error = await assertRejects(() =>
    retrying(policy, undefined, () => Promise.resolve(failed(retryAfter)))
  );
  assertStrictEquals(error, failure);
  return clock.sleeps;
}

Deno.test("the waits double, and eight attempts are made", async () => {
  assertEquals(await waits({}), [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]);
});

Deno.test("half of each wait is random", async () => {
  assertEquals(await waits({ maxAttempts: 4 }, 0), [500, 1000, 2000]);
  assertEquals(await waits({ maxAttempts: 4 }, 0.5), [750, 1500, 3000]);
});

Deno.test("no wait is longer than maxDelay", async () => {
  assertEquals(await waits({ maxDelay: 3000, maxAttempts: 5 }), [1000, 2000, 3000, 3000]);
});

Deno.test("Retry-After lengthens a wait, up to maxDelay, and never shortens it", async () => {
  assertEquals(await waits({ maxAttempts: 3 }, 1, "30"), [30_000, 30_000]);
  assertEquals(await waits({ maxAttempts: 3 }, 1, "86400"), [64_000, 64_000]);
  assertEquals(await waits({ maxAttempts: 3 }, 1, "1"), [1000, 2000]);
});

Deno.test("Retry-After may be a date; nonsense is ignored", async () => {
  assertEquals(
    await waits({ maxAttempts: 2 }, 1, new Date(Date.UTC(2026, 0, 1) + 20_000).toUTCString()),
    [20_000],
  );
  assertEquals(await waits({ maxAttempts: 2 }, 1, new Date(0).toUTCString()), [1000]);
  assertEquals(await waits({ maxAttempts: 2 }, 1, "soon"), [1000]);
});

Deno.test("nothing is waited for beyond maxElapsed", async () => {
  assertEquals(await waits({ maxElapsed: 7000 }), [1000, 2000, 4000]);
  assertEquals(await waits({ maxElapsed: 6999 }), [1000, 2000]);
  assertEquals(await waits({ maxElapsed: 0 }), []);
});

Deno.test("null never retries", async () => {
  assertEquals(await waits(null), []);
});

Deno.test("a step that can go on at once neither waits nor counts as an attempt", async () => {
  const clock = fakeClock();
  const steps: Step<string>[] = [{ kind: "continue" }, failed(), { kind: "continue" }, {
    kind: "done",
    value: "ok",
  }];
  const policy = retryPolicy({ clock, maxAttempts: 2 });
  assertEquals(await retrying(policy, undefined, () => Promise.resolve(steps.shift()!)), "ok");
  assertEquals(clock.sleeps, [1000]);
});

Deno.test("an abort ends the wait at once, with the signal's own reason", async () => {
  const own = new Error("enough");
  const abort = new AbortController();
  const running = retrying(
    retryPolicy({ initialDelay: 60_000 }),
    abort.signal,
    () => Promise.resolve(failed()),
  );
  await Promise.resolve();
  abort.abort(own);
  assertStrictEquals(await assertRejects(() => running), own);
});

Deno.test("an attempt's deadline grows with its bytes", () => {
  const policy = retryPolicy(undefined);
  assertEquals(attemptDeadline(policy, 0), 60_000);
  assertEquals(attemptDeadline(policy, 8 * 1024 * 1024), 60_000 + 512_000);
  assertEquals(attemptDeadline(retryPolicy({ attemptTimeout: 5, minThroughput: 1000 }), 3), 8);
});

for (
  const [options, words] of [
    [{ initialDelay: -1 }, "initialDelay"],
    [{ maxDelay: NaN }, "maxDelay"],
    [{ multiplier: 0.5 }, "multiplier"],
    [{ maxAttempts: 0 }, "maxAttempts"],
    [{ maxElapsed: "5" }, "maxElapsed"],
    [{ attemptTimeout: 0 }, "attemptTimeout"],
    [{ minThroughput: 0 }, "minThroughput"],
  ] as const
) {
  Deno.test(`retry ${JSON.stringify(options)} is refused, and the error names ${words}`, () => {
    assertThrows(() => retryPolicy(options as RetryOptions), RangeError, words);
  });
}

Deno.test("an unknown retry option is refused; one that is undefined means its default", () => {
  assertThrows(() => retryPolicy({ retries: 3 } as RetryOptions), TypeError, "retry.retries");
  assertEquals(retryPolicy({ maxAttempts: undefined }).maxAttempts, 8);
});
