// The line about all uploads: files, percent of all bytes, and the speed of all of them together.

import { assertEquals } from "@std/assert";
import { chunkSizeFor } from "../../examples/page/chunk_size.ts";
import { summaryOf, type Summed } from "../../examples/page/summary.ts";

const upload = (phase: Summed["phase"], stored: number, size: number, speed?: number): Summed => ({
  phase,
  stored,
  speed,
  record: { size },
});

Deno.test("the line adds up bytes and speeds, and says less when there is less to say", () => {
  assertEquals(summaryOf([]), "");
  assertEquals(summaryOf([upload("done", 5, 5)]), "1 file, 1 stored");
  assertEquals(
    summaryOf([upload("paused", 0, 1_000_000), upload("done", 1_000_000, 1_000_000)]),
    "2 files, 1 stored, 50% of 2.0 MB",
  );
  assertEquals(
    summaryOf([upload("uploading", 1e6, 4e6, 200_000), upload("uploading", 1e6, 4e6, 300_000)]),
    "2 files, 0 stored, 25% of 8.0 MB, 500 kB/s",
  );
});

Deno.test("what was refused is not on its way", () => {
  const refused = { ...upload("failed", 0, 9e9), problem: { remedy: "none" } };
  assertEquals(summaryOf([refused]), "");
  assertEquals(summaryOf([refused, upload("waiting", 0, 10)]), "1 file, 0 stored, 0% of 10 bytes");
});

Deno.test("large files go in larger requests, all of them multiples of 256 KiB up to 4 MiB", () => {
  const MiB = 1024 * 1024;
  assertEquals(chunkSizeFor(0, MiB), MiB);
  assertEquals(chunkSizeFor(16 * MiB, MiB), MiB);
  assertEquals(chunkSizeFor(16 * MiB + 1, MiB), MiB + 256 * 1024);
  assertEquals(chunkSizeFor(1e12, MiB), 4 * MiB);
  assertEquals(chunkSizeFor(10 * 256 * 1024, 256 * 1024), 256 * 1024);
});
