// With `retry: null` nothing is retried: the caller sees every failure, and recovers.

import { UploadError } from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  CHUNK,
  finish,
  kinds,
  opened,
  pattern,
  ranges,
  streamOf,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 100);

/** An upload from a one-way stream, without retrying. */
const manual = (gcs: GcsEmulator, faults: Fault[]) => {
  gcs.inject(...faults);
  return opened(gcs.fetch, streamOf(bytes, 40_000), { retry: null });
};

/** The manual loop. */
export const manuals: PortableCase[] = [
  {
    name: "without retrying a failed chunk throws, and nothing is sent before recover()",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await manual(gcs, [{ on: "chunk", skip: 1, status: 503 }]);
      await upload.transmitNextChunk(gcs.fetch);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "unavailable");
      assertEquals([upload.invalid, upload.bytesUploaded], [true, CHUNK]);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state");
      const { status } = await upload.recover(gcs.fetch);
      assertEquals([status, upload.invalid, upload.bytesUploaded], [308, false, CHUNK]);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), [
        "initiate",
        "chunk",
        "chunk",
        "status",
        "chunk",
        "final",
      ]);
    },
  },
  {
    name: "without retrying a failed start throws, and can be tried again",
    async run() {
      const gcs = new GcsEmulator();
      await assertCode(manual(gcs, [{ on: "initiate", drop: "before" }]), "transport_failed");
      assertEquals(kinds(gcs), ["initiate"]);
      const upload = await manual(gcs, []);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "recover() after a lost last reply finds the object finished",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await manual(gcs, [{ on: "final", drop: "after" }]);
      while (!upload.invalid) await upload.transmitNextChunk(gcs.fetch).catch(() => {});
      assertEquals(upload.finished, false);
      const response = await upload.recover(gcs.fetch);
      assertEquals([response.status, upload.finished, upload.invalid], [200, true, false]);
      assertEquals((await response.json()).size, String(bytes.length));
      await assertCode(upload.recover(gcs.fetch), "invalid_state");
    },
  },
  {
    name: "recover() after a lost middle reply goes on behind the chunk that was stored",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await manual(gcs, [{ on: "chunk", skip: 1, drop: "after" }]);
      await upload.transmitNextChunk(gcs.fetch);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "transport_failed");
      await upload.recover(gcs.fetch);
      assertEquals(upload.bytesUploaded, 2 * CHUNK);
      await finish(upload, gcs.fetch);
      assertEquals(ranges(gcs).length, 3);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "recover() that fails leaves the upload invalid, and can be called again",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await manual(gcs, [
        { on: "chunk", drop: "before" },
        { on: "status", status: 500 },
        { on: "status", drop: "after" },
      ]);
      await assertRejects(upload.transmitNextChunk(gcs.fetch), UploadError);
      await assertCode(upload.recover(gcs.fetch), "unavailable");
      await assertCode(upload.recover(gcs.fetch), "transport_failed");
      assertEquals(upload.invalid, true);
      await upload.recover(gcs.fetch);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "recover() of a valid upload asks, and changes nothing",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await manual(gcs, []);
      await upload.recover(gcs.fetch);
      await upload.transmitNextChunk(gcs.fetch);
      await upload.recover(gcs.fetch);
      assertEquals([upload.bytesUploaded, upload.invalid], [CHUNK, false]);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
];
