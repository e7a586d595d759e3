/**
 * Retry tests: lists of instructions that make the requests of one client go wrong, as Google's storage-testbench
 * has them.
 *
 * @module
 */

import { announcedLength, readContentRange } from "../json/content_range_header.ts";
import type { Fault } from "./faults.ts";
import type { RequestKind, RequestRecord } from "../record.ts";
import { errorJson, notFound } from "../emulator_replies.ts";

/** Method names of Google's API, and the requests that they stand for here. */
const METHODS: Readonly<Record<string, readonly RequestKind[]>> = {
  "storage.objects.insert": [
    "initiate",
    "chunk",
    "final",
    "status",
    "finalize",
    "media",
    "multipart",
  ],
  "storage.objects.compose": ["compose"],
  "storage.objects.get": ["get"],
  "storage.objects.list": ["list"],
  "storage.objects.patch": ["patch"],
  "storage.objects.delete": ["delete"],
};

/** Whose replies have a body that can break off. */
const ANSWERING: readonly RequestKind[] = [
  "final",
  "finalize",
  "media",
  "multipart",
  "compose",
  "patch",
  "get",
  "list",
];

/** Instructions by method, in the order in which they come. */
export type Instructions = Readonly<Record<string, readonly string[]>>;

/** A retry test, as its resource shows it. */
export interface RetryTest {
  readonly id: string;
  /** What is still to come. */
  readonly instructions: Instructions;
  /** Whether nothing is. */
  readonly completed: boolean;
  readonly transport: "HTTP";
}

/** A request that an instruction may hit. */
export interface Target {
  readonly kind: RequestKind;
  readonly contentRange: RequestRecord["contentRange"];
  /** The length of the body; `null` if it is not known. */
  readonly length: number | null;
  /** What the session has stored, in bytes. */
  readonly persisted: number;
}

/** All retry tests. */
export class RetryTests {
  readonly #tests = new Map<string, Map<string, string[]>>();

  /** Adds a test; what is wrong with the instructions, if something is. */
  create(instructions: Instructions): RetryTest | { readonly problem: string } {
    for (const [method, list] of Object.entries(instructions)) {
      if (!(method in METHODS)) {
        return { problem: `The requested method <${method}> for fault injection` };
      }
      const unknown = list.find((instruction) => faultOf(instruction, null) === undefined);
      if (unknown !== undefined) return { problem: `The fault injection request <${unknown}>` };
    }
    const id = crypto.randomUUID().replaceAll("-", "");
    const entries = Object.entries(instructions);
    this.#tests.set(id, new Map(entries.map(([method, list]) => [method, [...list]])));
    return this.get(id)!;
  }

  /** The test of that id, as it stands now. */
  get(id: string): RetryTest | undefined {
    const left = this.#tests.get(id);
    if (!left) return undefined;
    return {
      id,
      instructions: Object.fromEntries([...left].map(([method, list]) => [method, [...list]])),
      completed: [...left.values()].every((list) => list.length === 0),
      transport: "HTTP",
    };
  }

  /** Forgets a test; whether there was one. */
  delete(id: string): boolean {
    return this.#tests.delete(id);
  }

  /** Forgets all. */
  reset(): void {
    this.#tests.clear();
  }

  /**
   * The fault for a request that names a test: its method's next instruction, if that applies to this request. An
   * instruction that does not apply yet stays, and those behind it wait.
   */
  take(id: string, target: Target): Fault | null {
    const left = this.#tests.get(id);
    if (!left) return jsonFault(404, errorJson(notFound(`Retry Test ${id} does not exist.`, "")));
    for (const [method, list] of left) {
      if (list.length === 0 || !METHODS[method].includes(target.kind)) continue;
      const fault = faultOf(list[0], target);
      if (fault) list.shift();
      return fault ?? null;
    }
    return null;
  }
}

type Make = (numbers: number[], target: Target | null) => Fault | null;

/** The instructions; a maker gives `null` where it does not apply to the target. */
const INSTRUCTIONS: readonly (readonly [RegExp, Make])[] = [
  [/^return-([2-5]\d\d)$/, ([status]) => caused(status)],
  [/^return-([2-5]\d\d)-after-(\d+)K$/, ([status, kib], target) => {
    const offset = stopOffset(kib * 1024, target);
    return offset === null ? null : caused(status, offset);
  }],
  [/^return-reset-connection$/, () => ({ drop: "before" })],
  [
    /^return-broken-stream$/,
    (_, target) => target && ANSWERING.includes(target.kind) ? { drop: "after" } : null,
  ],
  [/^return-broken-stream-final-chunk-after-(\d+)B$/, ([bytes], target) => {
    const ends = target?.kind === "final" || target?.kind === "finalize";
    return ends ? { shorten: bytes } : null;
  }],
  [/^stall-for-(\d+)s-after-(\d+)K$/, ([seconds, kib], target) => {
    if (target?.kind === "get") return { delay: seconds * 1000 };
    const stall = stopOffset(kib * 1024, target);
    return stall === null ? null : { stall, delay: seconds * 1000 };
  }],
];

/** What an instruction does to the target: `null` if nothing, `undefined` if it is no instruction. */
function faultOf(instruction: string, target: Target | null): Fault | null | undefined {
  for (const [form, make] of INSTRUCTIONS) {
    const match = form.exec(instruction);
    if (match) return make(match.slice(1).map(Number), target);
  }
  return undefined;
}

/**
 * Where in the body of a request on a session the object has so many bytes; 0 where it has them before, `null` where it has
 * them not yet.
 */
function stopOffset(offset: number, target: Target | null): number | null {
  if (target?.kind !== "chunk" && target?.kind !== "final") return null;
  const range = readContentRange(target.contentRange);
  if (range?.form !== "closed" && range?.form !== "open") return null;
  if (target.persisted >= offset) return 0;
  const length = target.length ?? announcedLength(range) ?? Infinity;
  return offset <= range.first + length ? Math.max(0, offset - range.first) : null;
}

function caused(status: number, afterBytes?: number): Fault {
  const message = `Retry Test: Caused a ${status}`;
  return jsonFault(status, JSON.stringify({ error: { code: status, message } }), afterBytes);
}

function jsonFault(status: number, body: string, afterBytes?: number): Fault {
  const headers = { "content-type": "application/json; charset=UTF-8" };
  return { status, headers, body, ...(afterBytes !== undefined && { afterBytes }) };
}
