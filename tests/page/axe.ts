// What axe-core, from npm, finds on the upload page and on the playground, in each state, scheme and width: nothing.

import { assertEquals } from "@std/assert";
import { servePage } from "../../examples/page/serve.ts";
import { temporaryFolder } from "../npm/packed.ts";
import { type Fixture, openFixture, openPlayground } from "../playground/fixture.ts";
import { output } from "../support/runtime_program.ts";
import type { Page } from "./remote.ts";

let fixture: Fixture;
let axe: string;
Deno.test.beforeAll(async () => {
  const folder = await temporaryFolder();
  const install = ["install", "--silent", "--no-audit", "--no-fund", "axe-core@4.14.1"];
  await output("npm", install, { cwd: folder });
  axe = await Deno.readTextFile(`${folder}/node_modules/axe-core/axe.min.js`);
  fixture = await openFixture();
});
Deno.test.afterAll(async () => await fixture[Symbol.asyncDispose]());

/** What axe-core has to say of a page as it is now. */
async function findings(page: Page): Promise<unknown> {
  await page.call("evaluate", `${axe}; undefined`);
  return await page.call(
    "evaluate",
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]))",
  );
}

/** Gives files to a page, as somebody does who chooses them. */
async function choose(page: Page, ...names: readonly string[]): Promise<void> {
  await page.call(
    "evaluate",
    `{
      const input = document.querySelector("#files");
      const transfer = new DataTransfer();
      for (const name of ${JSON.stringify(names)}) {
        const type = name.endsWith(".exe") ? "application/x-msdownload" : "text/plain";
        transfer.items.add(new File(["hello"], name, { type }));
      }
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }`,
  );
}

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const [size, options] of Object.entries({ desktop, phone })) {
  for (const colorScheme of ["light", "dark"]) {
    // The policy of the page would refuse the script of axe-core.
    const visitor = { ...options, colorScheme, reducedMotion: "reduce", bypassCSP: true };

    Deno.test(`axe-core finds nothing on the upload page: ${size}, ${colorScheme}`, async () => {
      const server = await servePage();
      try {
        await using person = await fixture.browser.visitor(visitor);
        const page = await person.open(server.origin);
        await page.find("html[data-ready]").seen();
        assertEquals(await findings(page), []);
        await choose(page, "notes.txt", "setup.exe", `${"n".repeat(300)}.txt`, "תמונה.txt");
        await page.find(".card[data-phase=failed]").seen();
        await page.find(".card[data-phase=done]", "תמונה").seen();
        assertEquals(await findings(page), []);
      } finally {
        await server.close();
      }
    });

    Deno.test(`axe-core finds nothing on the playground: ${size}, ${colorScheme}`, async () => {
      await using at = await openPlayground(fixture, { visitor });
      assertEquals(await findings(at.page), []);
      await choose(at.page, "notes.txt", "תמונה.txt");
      await at.page.find(".card[data-phase=done]", "תמונה").seen();
      assertEquals(await findings(at.page), []);
    });
  }
}
