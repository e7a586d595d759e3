// Uppy through the proxy, in Chromium: files that are dropped, paused, resumed, cancelled and tried again arrive byte for byte.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { type Wire, wire } from "../e2e/wire.ts";
import { type Link, sample, withProxy } from "./link.ts";
import { type DashboardPage, UPPY, useOneBrowser, withUppyPage } from "./uppy_page.ts";
import { until } from "../support/until.ts";

const inUppy = useOneBrowser();

const Q = 262_144;

/** A test in the browser that all of them share. */
function test(rule: string, use: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `${UPPY}: ${rule}`,
    fn: () => scene(use),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

/** What a test has: the dashboard, the proxy, and the line between them. */
interface Scene {
  readonly dashboard: DashboardPage;
  readonly link: Link;
  readonly line: Wire;
  /** Lets requests go on that a fault has held. */
  readonly release: () => void;
  /** Loads the page again. */
  readonly again: () => Promise<void>;
}

/** Tries something with a dashboard that sends chunks of a quantum. */
async function scene(use: (scene: Scene) => Promise<void>): Promise<void> {
  const held = Promise.withResolvers<void>();
  const run = (origin: string) =>
    withProxy(
      async (link) => {
        await using line = wire(link.proxy);
        try {
          await inUppy(origin, async (dashboard) => {
            const options = { chunkSize: Q, retryDelays: [0, 10, 50] };
            await dashboard.begin(line.origin, "my-bucket", await link.ticket(), options);
            const again = async () => {
              await dashboard.page.call("reload");
              await dashboard.begin(line.origin, "my-bucket", await link.ticket(), options);
            };
            await use({ dashboard, link, line, release: held.resolve, again });
          });
        } finally {
          held.resolve();
        }
      },
      { allowedOrigins: [origin] },
      { sleep: () => held.promise },
    );
  await withUppyPage(run);
}

function assertStored({ gcs }: Link, name: string, size: number): void {
  const object = gcs.get("my-bucket", `uploads/${name}`);
  assertEquals(object?.contentType, "image/png");
  assertEquals(difference(object!.bytes!, sample(size)), -1, name);
}

/** The third chunk does not arrive: its request hangs until the test lets it go on. */
const HOLD_THIRD = { on: "chunk", skip: 2, delay: 1 } as const;

const isHeld = ({ gcs }: Link) => () => gcs.requests.some(({ fault }) => fault === "delay");
const starts = ({ gcs }: Link) => gcs.requests.filter(({ kind }) => kind === "initiate").length;

test("several files that are dropped on the dashboard are stored byte for byte", async ({ dashboard, link }) => {
  const files = [["a b ü.png", 3 * Q + 5], ["small.png", 1], ["whole.png", 2 * Q]] as const;
  await dashboard.drop(...files.map(([name, size]) => ({ name, size })));
  await dashboard.press("Upload 3 files");
  assertEquals(await dashboard.said(3), files.map(([name]) => `${name}: stored`).toSorted());
  for (const [name, size] of files) assertStored(link, name, size);
  assertEquals(link.log.filter(({ event }) => event === "finish").length, 3);
});

test("pause breaks off, resume goes on in the same session from what is stored", async ({ dashboard, link, release }) => {
  link.gcs.inject(HOLD_THIRD);
  await dashboard.drop({ name: "pause.png", size: 5 * Q + 77 });
  await dashboard.press("Upload 1 file");
  await until(isHeld(link), "the third chunk is not held");
  await dashboard.press("Pause");
  assertEquals(link.gcs.objects.length, 0);
  release();
  await dashboard.press("Resume");
  assertEquals(await dashboard.said(1), ["pause.png: stored"]);
  assertStored(link, "pause.png", 5 * Q + 77);
  assertEquals(starts(link), 1);
});

test("after a reload of the page the same file goes on in the same session", async ({ dashboard, link, release, again }) => {
  link.gcs.inject(HOLD_THIRD);
  const file = { name: "reload.png", size: 5 * Q + 77 };
  await dashboard.drop(file);
  await dashboard.press("Upload 1 file");
  await until(isHeld(link), "the third chunk is not held");
  await again();
  release();
  await dashboard.drop(file);
  await dashboard.press("Upload 1 file");
  assertEquals(await dashboard.said(1), ["reload.png: stored"]);
  assertStored(link, file.name, file.size);
  assertEquals(starts(link), 1);
});

test("cancel ends the session at Google, and nothing is stored", async ({ dashboard, link }) => {
  link.gcs.inject(HOLD_THIRD);
  await dashboard.drop({ name: "cancel.png", size: 5 * Q });
  await dashboard.press("Upload 1 file");
  await until(isHeld(link), "the third chunk is not held");
  await dashboard.press("Cancel");
  await until(() => link.gcs.sessions[0].phase === "cancelled", "the session lives on");
  assertEquals(link.gcs.objects.length, 0);
});

test("after a cut connection it goes on by itself, and no byte is lost or doubled", async ({ dashboard, link, line }) => {
  line.breakAfter(600_000, 400_000);
  await dashboard.drop({ name: "cut.png", size: 6 * Q + 9 });
  await dashboard.press("Upload 1 file");
  assertEquals(await dashboard.said(1), ["cut.png: stored"]);
  assertEquals(line.breaks, 2);
  assertStored(link, "cut.png", 6 * Q + 9);
  assertEquals(starts(link), 1);
});

test("an upload that has failed for good is tried again by its button, from what is stored", async ({ dashboard, link }) => {
  link.gcs.inject({ on: "chunk", skip: 2, status: 503 });
  await dashboard.set({ retryDelays: [] });
  await dashboard.drop({ name: "busy.png", size: 4 * Q });
  await dashboard.press("Upload 1 file");
  const [said] = await dashboard.said(1);
  assertMatch(said, /^busy\.png: tus: .*503/);
  await dashboard.press("Retry upload");
  assertStringIncludes((await dashboard.said(2)).join(), "busy.png: stored");
  assertStored(link, "busy.png", 4 * Q);
  assertEquals(starts(link), 1);
});

test("what the proxy refuses is said in its words", async ({ dashboard, link }) => {
  const ticket = await link.ticket({ prefix: "uploads/", maxBytes: 10 });
  await dashboard.set({ headers: { Authorization: `Bearer ${ticket}` } });
  await dashboard.drop({ name: "large.png", size: 11 });
  await dashboard.press("Upload 1 file");
  assertMatch((await dashboard.said(1))[0], /413.*At most 10/);
});

Deno.test("docs/clients.md shows how the tests set Uppy up", async () => {
  const source = await Deno.readTextFile(new URL("uppy/page.js", import.meta.url));
  const [, shown] = source.split("// docs/clients.md shows what is between these two lines.\n");
  const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
  const flat = (text: string) => text.replaceAll(/^\s+/gm, "").trim();
  assertStringIncludes(flat(shown), ".use(Tus, {");
  assertStringIncludes(flat(document), flat(shown));
});
