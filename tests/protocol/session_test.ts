// The state of a session: each event leads from each state to one other, or cannot happen.

import { assertEquals, assertThrows } from "@std/assert";
import { UploadError } from "../../src/errors.ts";
import {
  advance,
  NEW_SESSION,
  type SessionEvent,
  type SessionState,
  type StartedSession,
} from "../../src/protocol/session_state.ts";

const url = "https://storage.example/session";
const at = (kind: StartedSession["kind"], persisted: number): StartedSession => ({
  kind,
  url,
  persisted,
});
const states: SessionState[] = [
  NEW_SESSION,
  at("open", 10),
  at("interrupted", 10),
  at("done", 10),
  at("cancelled", 10),
  at("closed", 10),
];
const events: SessionEvent[] = [
  { kind: "started", url },
  { kind: "resumed", url, persisted: 5 },
  { kind: "stored", persisted: 20 },
  { kind: "finished", size: 30 },
  { kind: "interrupted" },
  { kind: "cancelled" },
  { kind: "closed" },
];

const allowed: Record<string, StartedSession> = {
  "new started": at("open", 0),
  "new resumed": at("interrupted", 5),
  "open stored": at("open", 20),
  "open finished": at("done", 30),
  "open interrupted": at("interrupted", 10),
  "open cancelled": at("cancelled", 10),
  "interrupted stored": at("open", 20),
  "interrupted finished": at("done", 30),
  "interrupted interrupted": at("interrupted", 10),
  "interrupted cancelled": at("cancelled", 10),
  "open closed": at("closed", 10),
  "interrupted closed": at("closed", 10),
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

Deno.test("a session goes on where the server says, if it says so", () => {
  const moved = `${url}/moved`;
  for (const kind of ["open", "interrupted"] as const) {
    const state = advance(at(kind, 10), { kind: "stored", persisted: 20, url: moved });
    assertEquals(state, { kind: "open", url: moved, persisted: 20 });
  }
});
