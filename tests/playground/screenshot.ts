/**
 * Makes the picture of the playground for the documentation: docs/images/playground.png.
 *
 * ```sh
 * deno run --allow-all tests/playground/screenshot.ts [FILE]
 * ```
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { chooseSpeed, inPhase, openFixture, openPlayground, stored } from "./scene.ts";

const IMAGE = fileURLToPath(new URL("../../docs/images/playground.png", import.meta.url));
const [path = IMAGE] = Deno.args;

await using fixture = await openFixture();
await using at = await openPlayground(fixture, {
  visitor: {
    colorScheme: "light",
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 1340 },
  },
});
const { page } = at;
const file = `${fixture.folder}/field-notes.pdf`;
await Deno.writeFile(file, new Uint8Array(2_400_000));
await page.role("button", "Cut it in the middle").click();
await page.find("#files").call("setInputFiles", file);
await inPhase(page, "field-notes.pdf", "done");
await chooseSpeed(page, "3000000");
await page.find("#make").click();
await stored(page, /4\.2 MB/);
await page.role("button", /^Pause generated/).click();
await page.find("#exchanges", "the page stopped it").seen();
await page.call("screenshot", { path });
console.log(`${path}: ${(await Deno.stat(path)).size} bytes`);
