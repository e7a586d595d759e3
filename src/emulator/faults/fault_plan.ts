/**
 * Which fault hits which request: scripted ones in order, then random ones by their rates.
 *
 * @module
 */

import { onlyKnown } from "../option_checks.ts";
import { checkFault, type Fault, matches } from "./faults.ts";
import type { RequestKind, RequestRecord } from "../record.ts";

/**
 * How often random faults happen. Each rate is the part of the requests that it hits, from 0 to 1; together
 * they are at most 1. The same seed and the same requests give the same faults.
 */
export interface RandomFaults {
  /** The kinds of request that may be hit. @default every kind */
  readonly on?: RequestKind | readonly RequestKind[] | undefined;
  /** Connections that break before anything is read. @default 0 */
  readonly dropBefore?: number | undefined;
  /** Replies that are lost. @default 0 */
  readonly dropAfter?: number | undefined;
  /** Connections that break after a random part of the body. @default 0 */
  readonly cut?: number | undefined;
  /** Error replies; one half at once, the other after a random part of the body. @default 0 */
  readonly status?: number | undefined;
  /** The statuses to choose from. @default [408, 429, 500, 502, 503, 504] */
  readonly statuses?: readonly number[] | undefined;
  /** Stored bytes that are changed. @default 0 */
  readonly corrupt?: number | undefined;
  /** Sessions that end with 410. @default 0 */
  readonly expire?: number | undefined;
  /** Requests that wait. @default 0 */
  readonly delay?: number | undefined;
  /** The longest wait, in milliseconds. @default 10 */
  readonly maxDelay?: number | undefined;
  /** How many requests may be hit at most. @default Infinity */
  readonly limit?: number | undefined;
}

const RATES = ["dropBefore", "dropAfter", "cut", "status", "corrupt", "expire", "delay"] as const;
const STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504];
/** Where a body of unknown length is cut at the latest. */
const UNKNOWN_LENGTH = 1_048_576;

interface Scripted {
  readonly fault: Fault;
  seen: number;
  used: number;
}

/** The faults to come. */
export class FaultPlan {
  readonly #seed: number;
  #scripted: Scripted[] = [];
  #random: RandomFaults | null = null;
  #draw: () => number;
  #hits = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#draw = seeded(seed);
  }

  /** Adds scripted faults. */
  inject(faults: readonly Fault[]): void {
    faults.forEach(checkFault);
    this.#scripted.push(...faults.map((fault) => ({ fault, seen: 0, used: 0 })));
  }

  /** Starts (from the seed) or ends random faults. */
  randomFaults(options: RandomFaults | null): void {
    if (options) checkRates(options);
    this.#random = options && { ...options };
    this.#draw = seeded(this.#seed);
    this.#hits = 0;
  }

  /** Forgets all. */
  reset(): void {
    this.#scripted = [];
    this.randomFaults(null);
  }

  /** The fault for a request, whose body has `length` bytes (`null`: unknown). */
  take(request: RequestRecord, length: number | null): Fault | null {
    const matching = this.#scripted.filter(({ fault }) => matches(fault, request));
    for (const entry of matching) entry.seen++;
    const next = matching.find(({ fault, seen }) => seen > (fault.skip ?? 0));
    if (!next) return this.#chance(request, length);
    next.used++;
    if (next.used >= (next.fault.times ?? 1)) {
      this.#scripted = this.#scripted.filter((entry) => entry !== next);
    }
    return next.fault;
  }

  #chance(request: RequestRecord, length: number | null): Fault | null {
    const random = this.#random;
    if (!random || this.#hits >= (random.limit ?? Infinity)) return null;
    const { on } = random;
    if (on !== undefined && !(typeof on === "string" ? [on] : on).includes(request.kind)) {
      return null;
    }
    // The same number of draws for every request, so that one more fault does not move all others.
    const [chance, part, choice] = [this.#draw(), this.#draw(), this.#draw()];
    let below = 0;
    const hit = RATES.find((name) => chance < (below += random[name] ?? 0));
    if (hit === undefined) return null;
    const bytes = Math.floor(part * ((length ?? UNKNOWN_LENGTH) + 1));
    const fault = randomFault(hit, random, bytes, choice);
    if (!matches(fault, request)) return null;
    this.#hits++;
    return fault;
  }
}

function randomFault(
  hit: typeof RATES[number],
  random: RandomFaults,
  bytes: number,
  choice: number,
): Fault {
  switch (hit) {
    case "dropBefore":
      return { drop: "before" };
    case "dropAfter":
      return { drop: "after" };
    case "cut":
      return { cut: bytes };
    case "corrupt":
      return { corrupt: true };
    case "expire":
      return { expire: 410 };
    case "delay":
      return { delay: Math.round(choice * (random.maxDelay ?? 10)) };
    case "status": {
      const statuses = random.statuses ?? STATUSES;
      const scaled = choice * statuses.length;
      const status = statuses[Math.floor(scaled)];
      return scaled % 1 < 0.5 ? { status } : { status, afterBytes: bytes };
    }
  }
}

function checkRates(options: RandomFaults): void {
  onlyKnown("randomFaults", options, [...RATES, "on", "statuses", "maxDelay", "limit"]);
  let sum = 0;
  for (const name of RATES) {
    const rate = options[name] ?? 0;
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`${name} must be 0 to 1, not ${rate}`);
    sum += rate;
  }
  if (sum > 1 + 1e-9) throw new RangeError(`The rates must add up to at most 1, not ${sum}`);
  for (const status of options.statuses ?? []) checkFault({ status });
  if (options.statuses?.length === 0) throw new RangeError("statuses must not be empty");
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
