// What goes wrong at Google: faults of the emulator, drawn at random.

import fc from "fast-check";
import type { Fault, RequestKind } from "../../../src/emulator/mod.ts";
import { places, RETRYABLE } from "./network.ts";

type Scope = Pick<Fault, "on" | "skip" | "times">;

const scopes: fc.Arbitrary<Scope> = fc.record({
  on: fc.oneof(
    fc.constantFrom<RequestKind | RequestKind[]>(
      "initiate",
      "chunk",
      "chunk",
      "final",
      "final",
      "status",
      "status",
      "finalize",
    ),
    fc.constant<RequestKind[]>(["chunk", "final", "status", "finalize"]),
  ),
  skip: fc.integer({ min: 0, max: 3 }),
  times: fc.integer({ min: 1, max: 2 }),
});

const RATE_LIMIT = JSON.stringify({
  error: { code: 403, message: "slow down", errors: [{ reason: "rateLimitExceeded" }] },
});

/** Faults that pass: whoever tries again gets there. */
const passing: fc.Arbitrary<Fault> = fc.oneof(
  fc.tuple(scopes, fc.constantFrom("before" as const, "after" as const))
    .map(([scope, drop]): Fault => ({ ...scope, drop })),
  fc.tuple(scopes, places).map(([scope, cut]): Fault => ({ ...scope, cut })),
  fc.tuple(scopes, fc.constantFrom(...RETRYABLE), fc.option(places, { nil: undefined }))
    .map(([scope, status, afterBytes]): Fault => ({ ...scope, status, afterBytes })),
  fc.tuple(scopes, fc.constantFrom("0", "7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"))
    .map(([scope, wait]): Fault => ({ ...scope, status: 503, headers: { "retry-after": wait } })),
  scopes.map((scope): Fault => ({ ...scope, status: 403, body: RATE_LIMIT })),
  fc.tuple(scopes, fc.integer({ min: 1, max: 100_000 }))
    .map(([scope, delay]): Fault => ({ ...scope, delay })),
);

/** Faults that no retrying helps against. */
const lasting: fc.Arbitrary<Fault> = fc.oneof(
  fc.tuple(scopes, fc.constantFrom(404 as const, 410 as const))
    .map(([scope, expire]): Fault => ({ ...scope, expire })),
  scopes.map((scope): Fault => ({ ...scope, corrupt: true })),
);

/** Up to five faults, most of them passing. */
export const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc.oneof({ weight: 7, arbitrary: passing }, { weight: 1, arbitrary: lasting }),
  { maxLength: 5 },
);

/** Whether trying again gets past all of them. */
export function pass(faults: readonly Fault[]): boolean {
  return faults.every((fault) => fault.expire === undefined && fault.corrupt === undefined);
}

export { passing };
