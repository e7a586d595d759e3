// The memory of an upload does not grow with its size.

import { assert } from "@std/assert";
import { measure } from "./memory/measure.ts";

const MIB = 1024 * 1024;

/**
 * How much more memory than for one byte an upload may take, in bytes.
 *
 * Measured with Deno 2.9 on Linux: 87 to 125 MiB for 256 MiB, 512 MiB and 2 GiB alike. Two chunks are 16 MiB of it; the
 * rest is what V8 lets lie before it collects buffers, and fetch's own copy. 200 MiB is far from that noise, and far below
 * the 512 MiB of an uploader that keeps what it has sent.
 */
const BOUND = 200 * MIB;

Deno.test("a stream of 512 MiB in chunks of 8 MiB is never in memory", async () => {
  const { uploader: baseline } = await measure(1, 8 * MIB);
  const { uploader } = await measure(512 * MIB, 8 * MIB);
  const beyond = uploader - baseline;
  assert(
    beyond < BOUND,
    `${Math.round(beyond / MIB)} MiB beyond ${Math.round(baseline / MIB)} MiB`,
  );
});
