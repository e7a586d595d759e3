/**
 * Makes the pictures of the page for the documentation: docs/images/page-light.png and page-dark.png.
 *
 * ```sh
 * deno run --allow-all tests/page/screenshot.ts [FOLDER] [WIDTH]
 * ```
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { servePage } from "../../examples/page/serve.ts";
import { type Page, startBrowser } from "./remote.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const [folder = IMAGES, width = "1280"] = Deno.args;

const files = await Deno.makeTempDir({ prefix: "screenshot-" });
const server = await servePage();
try {
  await Deno.mkdir(folder, { recursive: true });
  await using browser = await startBrowser();
  for (const colorScheme of ["light", "dark"]) {
    await using visitor = await browser.visitor({
      colorScheme,
      reducedMotion: "reduce",
      viewport: { width: Number(width), height: 800 },
    });
    const page = await visitor.open(server.origin);
    await page.find("html[data-ready]").seen();
    await show(page);
    const path = `${folder}/page-${colorScheme}.png`;
    await page.call("screenshot", { path, fullPage: true });
    console.log(`${path}: ${(await Deno.stat(path)).size} bytes`);
  }
} finally {
  await server.close();
  await Deno.remove(files, { recursive: true });
}

/** One upload of each kind. */
async function show(page: Page): Promise<void> {
  const card = (name: string, phase: string) => page.find(`.card[data-phase=${phase}]`, name);
  await page.role("radio", "Full speed").call("check", { force: true });
  await choose(page, "field-notes.pdf", 2_400_000);
  await card("field-notes.pdf", "done").seen();
  await choose(page, "installer.exe", 900_000);
  await card("installer.exe", "failed").seen();
  await page.role("radio", "3 MB/s").call("check", { force: true });
  await choose(page, "interview, second take.wav", 18_000_000);
  await page.find(".card[data-phase=uploading] [data-stored-text]", /^[67]\.\d MB$/).seen();
  await page.role("button", /^Pause interview/).click();
  await choose(page, "harbour at dusk.mp4", 26_000_000);
  await page.find(".card[data-phase=uploading] [data-stored-text]", /^1[1-4]\.\d MB$/).seen();
}

async function choose(page: Page, name: string, size: number): Promise<void> {
  const path = `${files}/${name}`;
  await Deno.writeFile(path, new Uint8Array(size));
  await page.find("#files").call("setInputFiles", path);
}
