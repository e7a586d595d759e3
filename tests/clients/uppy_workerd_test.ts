// Uppy in Chromium, in front of the worker as it is deployed, in workerd.

import { assertEquals } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { wire } from "../e2e/wire.ts";
import { endAfterAll, rule } from "../worker/support/rules.ts";
import { sample } from "./link.ts";
import { UPPY, useOneBrowser, withUppyPage } from "./uppy_page.ts";

endAfterAll();
const inUppy = useOneBrowser();

const Q = 262_144;

/** Ends when the test lets the chunk go on that a fault has held. */
const held = Promise.withResolvers<void>();

rule(
  `${UPPY}: dropped files arrive byte for byte, over a connection that is cut, after a pause`,
  ({ start, ticket, upstream: { gcs, until } }) =>
    withUppyPage(async (origin) => {
      const worker = await start({ ALLOWED_ORIGINS: origin });
      await using line = wire(worker.origin);
      await inUppy(origin, async (dashboard) => {
        const options = { chunkSize: Q, retryDelays: [0, 10, 50] };
        await dashboard.begin(line.origin, "bucket", ticket, options);
        line.breakAfter(700_000);
        gcs.inject({ on: "chunk", skip: 3, delay: 1 });
        const files = [["one ü.png", 5 * Q + 5], ["two.png", 3 * Q]] as const;
        await dashboard.drop(...files.map(([name, size]) => ({ name, size })));
        await dashboard.press("Upload 2 files");
        await until(() => gcs.requests.some(({ fault }) => fault === "delay"));
        await dashboard.press("Pause");
        held.resolve();
        await dashboard.press("Resume");
        assertEquals(await dashboard.said(2), files.map(([name]) => `${name}: stored`));
        assertEquals(line.breaks, 1);
        for (const [name, size] of files) {
          assertEquals(difference(gcs.get("bucket", name)!.bytes!, sample(size)), -1, name);
        }
      });
    }),
  { only: ["workerd"], emulator: { sleep: () => held.promise } },
);
