// What tests of the worker say of the stored object.

import { assert, assertEquals } from "@std/assert";
import { difference } from "../../e2e/support.ts";
import type { Upstream } from "./upstream.ts";

/** The one object is there, and has these bytes. */
export function assertStored({ upstream }: { upstream: Upstream }, bytes: Uint8Array): void {
  const stored = upstream.gcs.get("bucket", "object")?.bytes;
  assert(stored, "there is no object");
  assertEquals(difference(stored, bytes), -1, "the place of the first byte that differs");
}
