// The examples that are pages, in Chromium, against the emulator.

import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { type Browser, type Page, startBrowser } from "../page/remote.ts";
import { startServer } from "../support/server_process.ts";
import { inFolder, pattern } from "./support.ts";

const MIB = 1024 * 1024;

let browser: Browser;
Deno.test.beforeAll(async () => {
  browser = await startBrowser();
});
Deno.test.afterAll(async () => await browser[Symbol.asyncDispose]());

/** Opens the page of an example, which its server serves on a free port. */
async function withPage(script: string, use: (page: Page) => Promise<void>): Promise<void> {
  await using server = await startServer({
    command: [Deno.execPath(), "run", "--no-check", "--allow-all", script, "0"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    ready: /(http:\/\/127\.0\.0\.1:\d+)\/ uploads to/,
  });
  await using visitor = await browser.visitor();
  await browser.problems(); // of a test that failed before
  await use(await visitor.open(server.origin));
  assertEquals(await browser.problems(), []);
}

/** Chooses a file and waits for the page's last word on it. */
async function choose(page: Page, path: string, word: RegExp): Promise<string> {
  await page.find("#file").call("setInputFiles", [path]);
  await page.find("#output", word).seen();
  return await page.find("#output").text();
}

Deno.test("example: a page uploads to a session that a server has opened, from another origin", () =>
  inFolder(async (folder) => {
    const bytes = pattern(9 * MIB + 5); // more than one request of a browser
    await Deno.writeFile(`${folder}/photo.jpg`, bytes);
    await withPage("examples/hand_off/server.ts", async (page) => {
      const said = await choose(page, `${folder}/photo.jpg`, /stored as|failed/);
      assertMatch(said, /^stored as uploads\/[0-9a-f-]{36}, /);
      assertEquals(
        said.split(", ").slice(1),
        [`${bytes.length} bytes`, `CRC32C ${encodeCrc32c(crc32c(bytes))}`],
      );
    });
  }));

Deno.test("example: a page creates a file in Drive and gives it another content", () =>
  inFolder(async (folder) => {
    const [first, second] = [pattern(2 * MIB + 3), pattern(700_000)];
    await Deno.writeFile(`${folder}/first.bin`, first);
    await Deno.writeFile(`${folder}/second.bin`, second);
    const line = (bytes: Uint8Array) =>
      `first.bin: ${bytes.length} bytes, MD5 ${createHash("md5").update(bytes).digest("hex")}`;
    await withPage("examples/drive/server.ts", async (page) => {
      const created = await choose(page, `${folder}/first.bin`, /created|failed/);
      assertEquals(created, `created ${line(first)}`);
      const updated = await choose(page, `${folder}/second.bin`, /updated|failed/);
      assertEquals(updated, `updated ${line(second)}`);
    });
  }));
