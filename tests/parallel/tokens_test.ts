// Tokens that expire while a file is uploaded in parts: whichever request meets that, and whichever of its attempts.

import { assert, assertEquals } from "@std/assert";
import { type Transport, UploadError } from "../../mod.ts";
import { authorizedTransport } from "../../src/auth/authorized_transport.ts";
import type { GcsEmulator } from "../../src/emulator/mod.ts";
import {
  cancelParallelUpload,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadParallel,
} from "../../src/parallel/mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";
import { emulator, PART, SMALL, target } from "./support.ts";

const WAYS = [
  { via: "multipart", file: patterned(9 * 1024 * 1024 + PART), partSize: 9 * 1024 * 1024 },
  { via: "compose", file: patterned(40 * SMALL + 1), partSize: SMALL },
] as const;

/** Whether that is what is stored, by its CRC32C: to compare and to show all bytes takes long. */
function assertStored(gcs: GcsEmulator, file: Uint8Array<ArrayBuffer>): void {
  const { size, crc32c: sum } = gcs.get("my-bucket", "object") ?? {};
  assertEquals([size, sum], [file.length, encodeCrc32c(crc32c(file))]);
}

/** A server whose tokens expire before these of its requests, and a transport that gets another one. */
function expiring(
  gcs: GcsEmulator,
  at: readonly number[],
): { transport: Transport; count(): number } {
  let valid = 0, mine = 0, count = 0;
  const fetch: Transport = async (url, init) => {
    if (at.includes(count++)) valid++;
    if (new Headers(init?.headers).get("authorization") === `Bearer t${valid}`) {
      return await gcs.fetch(url, init);
    }
    if (init?.body instanceof ReadableStream) await init.body.cancel();
    return Response.json({ error: { code: 401, message: "Invalid Credentials" } }, { status: 401 });
  };
  const tokens = {
    get: () => Promise.resolve(`t${mine}`),
    reject: () => void (mine = valid),
    replaceable: true,
  };
  return { transport: authorizedTransport(tokens as never, { fetch }), count: () => count };
}

for (const { via, file, partSize } of WAYS) {
  Deno.test(`a token that expires before any request costs that one, and ends nothing: ${via}`, async () => {
    const all = expiring(emulator(), []);
    const options: Partial<ParallelOptions> = { via, partSize, concurrency: 2 };
    await uploadParallel(file, target(emulator(), { ...options, transport: all.transport }));
    const most = all.count();
    assert(most >= 4);
    const step = Math.max(1, Math.floor(most / 7));
    for (let at = 0; at < most; at += step) {
      const gcs = emulator();
      const { transport } = expiring(gcs, [at, at + 3]);
      await uploadParallel(file, target(gcs, { ...options, transport }));
      assertEquals(gcs.objects.map(({ name }) => name), ["object"]);
      assertStored(gcs, file);
    }
  });

  Deno.test(`so it is when an upload is gone on with, and when it is given up: ${via}`, async () => {
    for (const at of [0, 1, 3]) {
      const gcs = emulator();
      const options = target(gcs, { via, partSize, concurrency: 1 });
      let saved: ParallelCheckpoint | undefined;
      const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
        saved = structuredClone(checkpoint);
        if (checkpoint.parts.length === 1) throw new Error("The process ends");
      };
      await uploadParallel(file, { ...options, onCheckpoint }).catch(() => {});
      const other = structuredClone(saved!);
      if (via === "multipart") {
        const { transport } = expiring(gcs, [at]);
        await uploadParallel(file, { ...options, transport, checkpoint: saved });
      } else {
        await cancelParallelUpload(other, { transport: expiring(gcs, [at]).transport });
        await uploadParallel(file, {
          ...options,
          transport: expiring(gcs, [at]).transport,
          checkpoint: saved,
        });
      }
      assertStored(gcs, file);
      assertEquals(gcs.objects.length, 1);
    }
  });
}

Deno.test("a part that takes so long that its token expires twice, with failures between, is sent all the same", async () => {
  const [{ file, partSize }] = WAYS;
  for (const statuses of [[401, 503, 401], [401, 408, 401, 500, 401]]) {
    const gcs = emulator();
    for (const [skip, status] of statuses.entries()) gcs.inject({ on: "part", status, skip });
    await uploadParallel(file, target(gcs, { partSize, concurrency: 1 }));
    assertStored(gcs, file);
  }
  const gcs = emulator();
  gcs.inject({ on: "part", status: 401, times: 2 });
  const error = await uploadParallel(file, target(gcs, { partSize, concurrency: 1 })).catch((e) =>
    e
  );
  assert(error instanceof UploadError && error.status === 401, "two in a row are a refusal");
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["aborted"]);
});
