import { assertEquals, assertThrows } from "@std/assert";
import { UploadError } from "../../src/errors.ts";
import {
  advance,
  NEW_SESSION,
  type OpenedSession,
  type SessionEvent,
  type SessionState,
} from "../../src/protocol/session.ts";

const url = "https://storage.example/session";
const at = (kind: OpenedSession["kind"], persisted: number): OpenedSession => ({
  kind,
  url,
  persisted,
});
const states: SessionState[] = [
  NEW_SESSION,
  at("open", 10),
  at("unsure", 10),
  at("done", 10),
  at("cancelled", 10),
];
const events: SessionEvent[] = [
  { kind: "initiated", url },
  { kind: "resumed", url, persisted: 5 },
  { kind: "stored", persisted: 20 },
  { kind: "finished", size: 30 },
  { kind: "lost" },
  { kind: "cancelled" },
];

const allowed: Record<string, OpenedSession> = {
  "new initiated": at("open", 0),
  "new resumed": at("unsure", 5),
  "open stored": at("open", 20),
  "open finished": at("done", 30),
  "open lost": at("unsure", 10),
  "open cancelled": at("cancelled", 10),
  "unsure stored": at("open", 20),
  "unsure finished": at("done", 30),
  "unsure lost": at("unsure", 10),
  "unsure cancelled": at("cancelled", 10),
};

for (const state of states) {
  for (const event of events) {
    const expected = allowed[`${state.kind} ${event.kind}`];
    Deno.test(`"${event.kind}" ${expected ? `leads from ${state.kind} to ${expected.kind}` : `cannot happen to ${state.kind}`}`, () => {
      if (expected) return assertEquals(advance(state, event), expected);
      const error = assertThrows(() => advance(state, event), UploadError);
      assertEquals(error.code, "invalid_state");
    });
  }
}
