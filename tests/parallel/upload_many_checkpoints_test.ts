// Large files that were interrupted: with a store of checkpoints, the next run goes on where each stopped.

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Checkpoint } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { BUCKET, CountedFile, kinds, settle, start } from "./many_support.ts";

const MIB = 1024 * 1024;
const large = patterned(9 * MIB);
const files = () => [
  { name: "large", source: () => new CountedFile(large) },
  { name: "small", source: () => new CountedFile(large.subarray(0, 100)) },
];

Deno.test("a large file that was interrupted goes on where it stopped, and is forgotten at its end", async () => {
  const gcs = new GcsEmulator(), checkpoints = new Map<string, Checkpoint>();
  const stop = new AbortController();
  gcs.inject({ on: "chunk", skip: 2, hang: "before" });
  const options = { checkpoints, repeatable: true, chunkSize: MIB } as const;
  const first = start(files(), { ...options, signal: stop.signal }, gcs);
  while (kinds(gcs).filter((kind) => kind === "chunk").length < 3) await settle();
  stop.abort();
  await assertRejects(() => first.run, DOMException);
  assertEquals([...checkpoints.keys()], [`${BUCKET}/large`]);
  const before = gcs.requests.length;
  const second = start(files(), options, gcs);
  assertEquals((await second.run).uploaded, 2);
  assertEquals(gcs.get(BUCKET, "large")?.bytes, large);
  const after = kinds(gcs).slice(before);
  assertEquals(after.filter((kind) => kind === "initiate").length, 0, after.join());
  assert(after.filter((kind) => kind === "chunk" || kind === "final").length <= 7, after.join());
  assertEquals(checkpoints.size, 0);
});

Deno.test("small files take one request also where checkpoints are kept", async () => {
  const checkpoints = new Map<string, Checkpoint>();
  const { gcs, run } = start(files().slice(1), { checkpoints, repeatable: true });
  await run;
  assertEquals(kinds(gcs), ["multipart"]);
});

Deno.test("a store that fails ends no upload, and is told of", async () => {
  const fail = () => Promise.reject(new Error("no store"));
  const told: unknown[] = [];
  const { run } = start(files(), {
    checkpoints: { get: fail, set: fail, delete: fail },
    onCheckpointError: (error) => void told.push(error),
  });
  assertEquals((await run).uploaded, 2);
  assert(told.length > 0);
});
