// When tokens are fetched, shared, renewed and thrown away.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Token, TokenCache } from "../../src/auth/token_cache.ts";
import { type FakeClock, fakeClock } from "../support/fake_clock.ts";
import { failure, settled } from "./helpers.ts";

const MINUTE = 60_000;

/** A cache whose renewals the test settles, in any order. */
function controlled(): {
  cache: TokenCache;
  clock: FakeClock;
  renewals: PromiseWithResolvers<Token>[];
  /** Lets a renewal succeed; its token is named after it, and lives for so many minutes. */
  succeed(index: number, minutes?: number): Promise<void>;
  fail(index: number, error: Error): Promise<void>;
} {
  const clock = fakeClock();
  const renewals: PromiseWithResolvers<Token>[] = [];
  const cache = new TokenCache(() => {
    const renewal = Promise.withResolvers<Token>();
    renewals.push(renewal);
    return renewal.promise;
  }, clock);
  return {
    cache,
    clock,
    renewals,
    async succeed(index, minutes = 60) {
      const expiresAt = clock.now() + minutes * MINUTE;
      renewals[index].resolve({ value: `token ${index}`, expiresAt });
      await settled();
    },
    async fail(index, error) {
      renewals[index].reject(error);
      await settled();
    },
  };
}

/** A cache that holds "token 0" for an hour. */
async function filled() {
  const all = controlled();
  const first = all.cache.get(undefined);
  await all.succeed(0);
  assertEquals(await first, "token 0");
  return all;
}

Deno.test("nothing is fetched before somebody needs a token", () => {
  assertEquals(controlled().renewals.length, 0);
});

Deno.test("a token is fetched once, and serves until five minutes before its end", async () => {
  const { cache, clock, renewals } = await filled();
  clock.pass(55 * MINUTE - 1);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 1);
});

Deno.test("in its last five minutes a token still serves at once, and is renewed once behind", async () => {
  const { cache, clock, renewals, succeed } = await filled();
  clock.pass(55 * MINUTE);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 2);
  await succeed(1);
  assertEquals(await cache.get(undefined), "token 1");
  assertEquals(renewals.length, 2);
});

Deno.test("in its last 30 seconds a token does not serve any more", async () => {
  const { cache, clock, succeed } = await filled();
  clock.pass(59.5 * MINUTE);
  const next = cache.get(undefined);
  await succeed(1);
  assertEquals(await next, "token 1");
});

Deno.test("a request that finds a renewal behind too late waits for that one", async () => {
  const { cache, clock, renewals, succeed } = await filled();
  clock.pass(59.5 * MINUTE - 1);
  await cache.get(undefined);
  clock.pass(1);
  const next = cache.get(undefined);
  await succeed(1);
  assertEquals([await next, renewals.length], ["token 1", 2]);
});

Deno.test("a renewal behind that fails harms nobody, and is tried again after 30 seconds", async () => {
  const { cache, clock, renewals, fail, succeed } = await filled();
  clock.pass(55 * MINUTE);
  await cache.get(undefined);
  await fail(1, new Error("down"));
  clock.pass(29_999);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 2);
  clock.pass(1);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 3);
  await succeed(2);
  assertEquals(await cache.get(undefined), "token 2");
});

Deno.test("requests at the same time share one renewal", async () => {
  const { cache, renewals, succeed } = controlled();
  const all = Promise.all([1, 2, 3, 4].map(() => cache.get(undefined)));
  await succeed(0);
  assertEquals([await all, renewals.length], [Array(4).fill("token 0"), 1]);
});

Deno.test("requests that share a renewal share its failure, and the next one begins anew", async () => {
  const { cache, renewals, fail, succeed } = controlled();
  const all = [1, 2, 3].map(() => failure(cache.get(undefined)));
  const down = new Error("down");
  await fail(0, down);
  for (const error of await Promise.all(all)) assertStrictEquals(error, down);
  const next = cache.get(undefined);
  await succeed(1);
  assertEquals([await next, renewals.length], ["token 1", 2]);
});

Deno.test("an aborted request stops waiting at once, with its reason, and the renewal goes on", async () => {
  for (const first of [true, false]) {
    const { cache, renewals, succeed } = controlled();
    const abort = new AbortController();
    const waiting = [cache.get(first ? abort.signal : undefined)];
    waiting.push(cache.get(first ? undefined : abort.signal));
    const aborted = failure(waiting[first ? 0 : 1]);
    const reason = new RangeError("enough");
    abort.abort(reason);
    assertStrictEquals(await aborted, reason);
    await succeed(0);
    assertEquals([await waiting[first ? 1 : 0], renewals.length], ["token 0", 1]);
  }
});

Deno.test("a renewal that nobody waits for any more still serves the next request", async () => {
  const { cache, renewals, succeed } = controlled();
  const abort = new AbortController();
  const aborted = failure(cache.get(abort.signal));
  abort.abort();
  await aborted;
  await succeed(0);
  assertEquals([await cache.get(undefined), renewals.length], ["token 0", 1]);
});

Deno.test("a renewal that fails when everybody has gone is nobody's unhandled rejection", async () => {
  const { cache, fail } = controlled();
  const abort = new AbortController();
  const aborted = failure(cache.get(abort.signal));
  abort.abort();
  await aborted;
  await fail(0, new Error("down"));
});

Deno.test("a request that is aborted already fetches nothing, even where a token is kept", async () => {
  const { cache, renewals } = await filled();
  const reason = new RangeError("enough");
  assertStrictEquals(await failure(cache.get(AbortSignal.abort(reason))), reason);
  assertEquals(renewals.length, 1);
});

Deno.test("a renewal that never settles is waited for 5 seconds, then one of the waiters begins another", async () => {
  const { cache, clock, renewals, succeed } = controlled();
  const lost = cache.get(undefined);
  const joined = [cache.get(undefined), cache.get(undefined)];
  clock.pass(4_999);
  await settled();
  assertEquals(renewals.length, 1);
  clock.pass(1);
  await settled();
  assertEquals(renewals.length, 2);
  await succeed(1);
  assertEquals(await Promise.all(joined), ["token 1", "token 1"]);
  await succeed(0); // lost no more: whoever has begun it has waited
  assertEquals(await lost, "token 0");
});

Deno.test("a renewal behind that never settles keeps nobody from renewing", async () => {
  const { cache, clock, renewals, succeed } = await filled();
  clock.pass(55 * MINUTE);
  await cache.get(undefined);
  clock.pass(5_000);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 3);
  await succeed(2);
  assertEquals(await cache.get(undefined), "token 2");
});

Deno.test("a late renewal does not replace a token that lives longer", async () => {
  const { cache, clock, succeed } = controlled();
  const lost = cache.get(undefined);
  clock.pass(5_000);
  const next = cache.get(undefined);
  await succeed(1, 60);
  await succeed(0, 30);
  assertEquals([await lost, await next, await cache.get(undefined)], [
    "token 0",
    "token 1",
    "token 1",
  ]);
});

Deno.test("waiting leaves no timer behind", async () => {
  const { cache, clock, succeed } = controlled();
  const all = [cache.get(undefined), cache.get(undefined)];
  await succeed(0);
  await Promise.all(all);
  assertEquals(clock.timers.size, 0);
});

Deno.test("a refused token is forgotten, and only that one", async () => {
  const { cache, renewals, succeed } = await filled();
  cache.reject("another");
  assertEquals(await cache.get(undefined), "token 0");
  cache.reject("token 0");
  const next = [cache.get(undefined), cache.get(undefined)];
  await succeed(1);
  cache.reject("token 0"); // a slow request that has been refused, too
  assertEquals([...await Promise.all(next), await cache.get(undefined)], Array(3).fill("token 1"));
  assertEquals(renewals.length, 2);
});

Deno.test("a token with little life left is renewed in the second half of it", async () => {
  const { cache, clock, renewals, succeed } = controlled();
  const first = cache.get(undefined);
  await succeed(0, 2);
  await first;
  clock.pass(MINUTE - 1);
  await cache.get(undefined);
  assertEquals(renewals.length, 1);
  clock.pass(1);
  assertEquals(await cache.get(undefined), "token 0");
  assertEquals(renewals.length, 2);
});

Deno.test("a token that lives for under five minutes does not serve in the last tenth of its life", async () => {
  const { cache, clock, renewals, succeed } = controlled();
  const first = cache.get(undefined);
  await succeed(0, 1);
  await first;
  clock.pass(0.9 * MINUTE - 1);
  assertEquals(await cache.get(undefined), "token 0");
  clock.pass(1);
  const next = cache.get(undefined);
  await succeed(1);
  assertEquals([await next, renewals.length], ["token 1", 2]);
});

for (const minutes of [0, -1]) {
  Deno.test(`a token with ${minutes} minutes left serves those who waited, and nobody else`, async () => {
    const { cache, renewals, succeed } = controlled();
    const waiting = [cache.get(undefined), cache.get(undefined)];
    await succeed(0, minutes);
    assertEquals(await Promise.all(waiting), ["token 0", "token 0"]);
    const next = cache.get(undefined);
    await succeed(1);
    assertEquals([await next, renewals.length], ["token 1", 2]);
  });
}
