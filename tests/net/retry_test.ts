// The policy of retries: how long each wait is, when there are no more, and what the caller's functions decide.

import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { UploadError } from "../../src/errors.ts";
import {
  attemptDeadline,
  retrying,
  type RetryOptions,
  type RetryPolicy,
  retryPolicy,
  type Step,
} from "../../src/net/retry.ts";
import { upload } from "../../mod.ts";
import { fakeClock } from "../support/fake_clock.ts";

const failure = new UploadError("unavailable", "503");
const failed = (retryAfter?: string): Step<string> => ({
  kind: "failed",
  error: failure,
  retryAfter,
});

/** A policy of an upload whose server has replied already. */
function policyOf(options: RetryOptions | null | false): RetryPolicy {
  const policy = retryPolicy(options);
  policy.server.hasReplied = true;
  return policy;
}

/** Runs steps that fail for ever and returns the waits between them. */
async function waits(
  options: RetryOptions | null | false,
  random = 1,
  retryAfter?: string,
): Promise<number[]> {
  const clock = fakeClock(() => random);
  const policy = policyOf(options && { ...options, clock });
  const error = await assertRejects(() =>
    retrying(policy, undefined, () => Promise.resolve(failed(retryAfter)))
  );
  assertStrictEquals(error, failure);
  return clock.sleeps;
}

Deno.test("without waits, too, failures end when the time is used up, however many there are", async () => {
  const clock = fakeClock();
  const policy = policyOf({ initialDelay: 0, clock });
  let steps = 0;
  const step = (): Promise<Step<string>> => {
    if (++steps > 10_000) throw new Error("it goes on and on");
    return Promise.resolve({ kind: "failed", error: failure, spent: 100 });
  };
  const error = await assertRejects(() => retrying(policy, undefined, step));
  assertStrictEquals(error, failure);
  assertEquals(steps, 6001, "600 s of 100 ms each, counted from the first failure on");
  assertEquals(new Set(clock.sleeps), new Set([0]));
});

Deno.test("the waits double up to 64 seconds, until ten minutes are over", async () => {
  const all = await waits({});
  assertEquals(all.slice(0, 7), [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]);
  assertEquals(new Set(all.slice(6, -1)), new Set([64_000]));
  assertEquals(all.reduce((a, b) => a + b), 600_000);
});

Deno.test("there are as many attempts as maxAttempts says, by default without a limit", async () => {
  assertEquals((await waits({ maxAttempts: 8 })).length, 7);
  assertEquals((await waits({ initialDelay: 1, multiplier: 1 })).length, 600_000);
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

Deno.test("nothing is waited for beyond maxElapsed: the last wait is cut to what is left", async () => {
  assertEquals(await waits({ maxElapsed: 7000 }), [1000, 2000, 4000]);
  assertEquals(await waits({ maxElapsed: 6999 }), [1000, 2000, 3999]);
  assertEquals(await waits({ maxElapsed: 7001 }), [1000, 2000, 4000, 1]);
  assertEquals(await waits({ maxElapsed: 0 }), []);
});

Deno.test("null and false never retry", async () => {
  assertEquals(await waits(null), []);
  assertEquals(await waits(false), []);
});

Deno.test("onRetry hears of each failure before its wait; shouldRetry decides in place of the code", async () => {
  const heard: unknown[] = [];
  await waits({
    maxAttempts: 3,
    onRetry: ({ error, attempt, delay }) => void heard.push([error.code, attempt, delay]),
  });
  assertEquals(heard, [["unavailable", 1, 1000], ["unavailable", 2, 2000]]);
  const asked: unknown[] = [];
  assertEquals(await waits({ shouldRetry: (error) => asked.push(error.code) < 3 }), [1000, 2000]);
  assertEquals(asked, ["unavailable", "unavailable", "unavailable"]);
});

Deno.test("a failure that cannot pass is not tried again, unless the next step may clear it up", async () => {
  const final = new UploadError("rejected", "403");
  for (const [mayPass, attempts] of [[false, 1], [true, 4]] as const) {
    let steps = 0;
    const step = () => {
      steps++;
      return Promise.resolve<Step<string>>({ kind: "failed", error: final, mayPass });
    };
    const policy = retryPolicy({ clock: fakeClock(), maxAttempts: 4 });
    assertStrictEquals(await assertRejects(() => retrying(policy, undefined, step)), final);
    assertEquals(steps, attempts);
  }
});

Deno.test("what a failed attempt took counts from the second failure on, and only what it says", async () => {
  const clock = fakeClock();
  const step = () => {
    clock.pass(3_600_000); // the machine sleeps
    return Promise.resolve<Step<string>>({ kind: "failed", error: failure, spent: 4000 });
  };
  await assertRejects(() => retrying(policyOf({ clock, maxElapsed: 20_000 }), undefined, step));
  // With three attempts of 4 s, 19 of 20 seconds are over after the third wait.
  assertEquals(clock.sleeps, [1000, 2000, 4000, 1000]);
});

Deno.test("after a request with bytes the server is asked once more, although the time is over", async () => {
  let asks = 0;
  const step = () =>
    Promise.resolve<Step<string>>(
      asks++ === 0
        ? { kind: "failed", error: failure, spent: 0, asksNext: true }
        : { kind: "failed", error: failure, spent: 900, asksNext: asks === 2 },
    );
  const clock = fakeClock();
  await assertRejects(() => retrying(retryPolicy({ clock, maxElapsed: 500 }), undefined, step));
  assertEquals([asks, clock.sleeps], [3, [500, 0]]);
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
    [{ stallTimeout: 0 }, "stallTimeout"],
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
  assertThrows(
    () => retryPolicy({ retries: 3 } as RetryOptions),
    TypeError,
    "maxAttempts, maxElapsed",
  );
  assertThrows(
    () => retryPolicy({ toString: 3 } as unknown as RetryOptions),
    TypeError,
    "toString",
  );
  assertEquals(retryPolicy({ maxAttempts: undefined }).maxAttempts, Infinity);
  assertThrows(() => retryPolicy({ onRetry: 5 } as unknown as RetryOptions), TypeError, "onRetry");
  assertThrows(() => retryPolicy({ clock: 5 } as unknown as RetryOptions), TypeError, "clock");
  assertThrows(
    () => retryPolicy({ clock: null } as unknown as RetryOptions),
    TypeError,
    "got null",
  );
  assertThrows(() => retryPolicy("no" as unknown as RetryOptions), TypeError, "got string");
});

/** The sum of the waits of an upload whose transport fails, but for the requests of which `replies` is true. */
async function givenUpAfter(
  retry: RetryOptions,
  replies: (request: number) => boolean = () => false,
): Promise<number> {
  const clock = fakeClock();
  let requests = 0;
  const transport = () =>
    replies(requests++)
      ? Promise.resolve(new Response(null, { status: 503 }))
      : Promise.reject(new TypeError("Failed to fetch"));
  const options = { bucket: "my-bucket", name: "a", transport, retry: { ...retry, clock } };
  const error = await assertRejects(() => upload("hello", options), UploadError);
  assertEquals(error.code, "transport_failed");
  return clock.sleeps.reduce((sum, delay) => sum + delay, 0);
}

Deno.test("a server that has never replied is given up after connectTimeout, 15 seconds of failures", async () => {
  assertEquals(await givenUpAfter({}), 15_000);
  assertEquals(await givenUpAfter({ connectTimeout: 40_000 }), 40_000);
  assertEquals(await givenUpAfter({ connectTimeout: 0 }), 0);
});

Deno.test("who sets maxElapsed gets it for a server that has never replied as well", async () => {
  assertEquals(await givenUpAfter({ maxElapsed: 100_000 }), 100_000);
  assertEquals(await givenUpAfter({ maxElapsed: 100_000, connectTimeout: 20_000 }), 20_000);
});

Deno.test("one reply, whatever its status, is enough for the whole patience", async () => {
  assertEquals(await givenUpAfter({}, (request) => request === 1), 600_000);
});
