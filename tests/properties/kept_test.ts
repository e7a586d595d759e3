// A store of checkpoints whose writes land and answer in any order, however late: what it keeps in the end is what was said last.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Checkpoint } from "../../mod.ts";
import { KeptCheckpoint } from "../../src/upload/kept_checkpoints.ts";
import { property } from "./support/property.ts";

/** A write that has been asked for and not answered. */
interface Pending {
  readonly land: () => void;
  readonly answer: () => void;
  isLanded: boolean;
}

/** What happens next: a write is asked for, or one that is under way lands, or answers. */
type Event = { readonly kind: "set" | "delete" | "land" | "answer"; readonly which: number };

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "set" as const,
      "set" as const,
      "delete" as const,
      "land" as const,
      "answer" as const,
    ),
    which: fc.nat({ max: 9 }),
  }),
  { maxLength: 30 },
);

/** Lets everything happen that waits for nobody. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

property(
  "whatever lands and answers when, a store keeps what was written last, and is left in peace then",
  60,
  events,
  async (events) => {
    let kept: unknown;
    const pending: Pending[] = [];
    const write = (value: unknown): Promise<void> =>
      new Promise((answer) => {
        pending.push({ land: () => void (kept = value), answer, isLanded: false });
      });
    const store = {
      get: () => undefined,
      set: (_key: string, checkpoint: Checkpoint) => write(checkpoint),
      delete: () => write(undefined),
    };
    const checkpoint = new KeptCheckpoint({ checkpoints: store, key: "k" });
    const calls: Promise<void>[] = [];
    let last: unknown;
    const land = (one: Pending) => {
      if (!one.isLanded) one.land();
      one.isLanded = true;
    };
    const answer = async (one: Pending) => {
      land(one);
      pending.splice(pending.indexOf(one), 1);
      one.answer();
      await turn();
    };
    for (const [i, { kind, which }] of events.entries()) {
      if (kind === "set" || kind === "delete") {
        last = kind === "set" ? i : undefined;
        calls.push(kind === "set" ? checkpoint.set(i as never) : checkpoint.delete());
        await Promise.resolve();
      } else if (pending.length > 0) {
        const one = pending[which % pending.length];
        if (kind === "land") land(one);
        else await answer(one);
      }
    }
    for (let i = 0; pending.length > 0; i++) {
      assert(i < 1000, "it writes for ever");
      await answer(pending[(i * 7) % pending.length]);
    }
    await Promise.all(calls);
    assertEquals(kept, last);
  },
);
