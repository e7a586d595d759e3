// Pages that were not loaded by https have no `crypto.randomUUID`.

import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { watched, WAYS } from "./retry_support.ts";
import { assertStored } from "./upload_support.ts";

/** Calls `action` in a place where `crypto.randomUUID` is missing. */
async function withoutRandomUuid(action: () => Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(crypto, "randomUUID");
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assertEquals(typeof crypto.randomUUID, "undefined", "crypto.randomUUID");
    await action();
  } finally {
    if (before) Object.defineProperty(crypto, "randomUUID", before);
    else delete (crypto as { randomUUID?: unknown }).randomUUID;
  }
}

/** Without `crypto.randomUUID`. */
export const withoutRandomUuids: PortableCase[] = [
  ...WAYS.map(({ what, bytes, run }): PortableCase => ({
    name: `${what}: works where crypto.randomUUID is missing`,
    run: () =>
      withoutRandomUuid(async () => {
        const gcs = new GcsEmulator();
        await run(gcs.fetch);
        assertStored(gcs, bytes);
      }),
  })),
  ...WAYS.filter(({ what }) => what === "MultipartUpload").map(({ what, run }): PortableCase => ({
    name: `${what}: each boundary is another one, with and without crypto.randomUUID`,
    async run() {
      const types = new Set<string | null>();
      const { transport, handed } = watched(() =>
        Promise.resolve(new Response(null, { status: 403 }))
      );
      for (let i = 0; i < 5; i++) {
        await run(transport).catch(() => {});
        await withoutRandomUuid(() => run(transport).then(() => {}, () => {}));
      }
      for (const { headers } of handed) types.add(headers.get("content-type"));
      assertEquals([handed.length, types.size], [10, 10]);
      const [type] = types;
      assert(/boundary="?[\w-]{16,70}"?$/.test(type ?? ""), `${type}`);
    },
  })),
];
