// examples/plain, react, vue and svelte, and the page that the guide for pages makes, as somebody has them who copies one: installed
// from npm, built by Vite, and used in Chromium against the proxy and the emulator. What is stored is compared byte by byte.

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { read } from "../../tools/files.ts";
import { difference, pattern } from "../e2e/support.ts";
import { type Browser, type Page, startBrowser } from "../page/remote.ts";
import { output } from "../support/runtime_program.ts";
import { startServer } from "../support/server_process.ts";
import { installProject, temporaryFolder } from "./packed.ts";
import { until } from "../support/until.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const MIB = 1024 * 1024;
let browser: Browser;
Deno.test.beforeAll(async () => {
  browser = await startBrowser();
});
Deno.test.afterAll(async () => await browser[Symbol.asyncDispose]());

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
    else if (name !== "node_modules") await copyFolder(`${from}/${name}`, `${to}/${name}`);
  }
}

const projects = new Map<string, Promise<string>>();

/** A copy of an example, installed and built once. */
function project(name: string): Promise<string> {
  const made = projects.get(name) ?? makeProject(name);
  projects.set(name, made);
  return made;
}

async function makeProject(name: string): Promise<string> {
  const folder = `${await temporaryFolder()}/${name}`;
  await copyFolder(fileURLToPath(new URL(name, EXAMPLES)), folder);
  await installProject(folder, JSON.parse(await Deno.readTextFile(`${folder}/package.json`)));
  await output("npm", ["run", "build", "--silent"], { cwd: folder });
  return folder;
}

/** Opens the page of a project, from Vite, with an emulator that the test can look into. */
async function withPage(
  folder: string,
  how: readonly string[],
  use: (page: Page, gcs: GcsEmulator) => Promise<void>,
): Promise<void> {
  const gcs = new GcsEmulator();
  const google = await serveEmulator(gcs);
  try {
    await using server = await startServer({
      command: ["node", "node_modules/vite/bin/vite.js", ...how, "--port=0", "--host=127.0.0.1"],
      cwd: folder,
      env: { GCS_ENDPOINT: google.origin },
      ready: /(http:\/\/127\.0\.0\.1:\d+)\//,
    });
    await using visitor = await browser.visitor();
    await browser.problems(); // of a test that failed before
    await use(await visitor.open(server.origin), gcs);
  } finally {
    await google.close();
  }
}

const choose = (page: Page, path: string) =>
  page.find("input[type=file]").call("setInputFiles", [path]);

for (const name of ["plain", "react", "vue", "svelte"]) {
  Deno.test(`example ${name}: an upload is paused, goes on after a reload, and is stored byte by byte`, async () => {
    const folder = await project(name);
    const bytes = pattern(20 * MIB + 5);
    const path = `${folder}/film.mp4`;
    await Deno.writeFile(path, bytes);
    await withPage(folder, ["preview"], async (page, gcs) => {
      gcs.inject({ on: "chunk", skip: 1, delay: Infinity }); // stands still until it is given up
      await choose(page, path);
      await page.find("output", "Sending").seen();
      await until(
        () => gcs.requests.filter(({ kind }) => kind === "chunk").length === 2,
        "the second chunk is sent",
      );
      await page.role("button", "Pause").click();
      await page.find("output", "Paused").seen();
      assertEquals(gcs.objects.length, 0);
      await page.call("reload");
      const before = gcs.requests.length;
      await choose(page, path);
      await page.find("output", /Stored as users\/17\/.*film\.mp4/).seen();
      const kinds = gcs.requests.slice(before).map(({ kind }) => kind);
      assertEquals([kinds[0], kinds.includes("initiate")], ["status", false], kinds.join());
      assertEquals(difference(gcs.objects[0].bytes!, bytes), -1);
      assertEquals(await browser.problems(), []);
    });
  });

  Deno.test(`example ${name}: a file is dropped, refused in words, and uploaded by another try`, async () => {
    const folder = await project(name);
    await withPage(folder, [], async (page, gcs) => {
      gcs.inject({ on: "final", status: 412 });
      await page.call("evaluate", drop("hello.txt", "hello"));
      await page.find("output", "There is a file of this name already.").seen();
      await page.role("button", "Resume").click();
      await page.find("output", "Stored as").seen();
      const [{ name, bytes, contentType }] = gcs.objects;
      assertMatch(name, /\/hello\.txt$/);
      assertEquals([new TextDecoder().decode(bytes), contentType], ["hello", "text/plain"]);
      assertMatch(await page.find("li").text(), /hello\.txt/);
    });
  });
}

Deno.test("docs/guides/browser.md, a page from nothing: what stands there stores a file by the command's proxy", async () => {
  const folder = `${await temporaryFolder()}/nothing`;
  await Deno.mkdir(folder);
  await installProject(folder, { devDependencies: { vite: "^8.3.8" } });
  const guide = (await read("docs/guides/browser.md")).split("## A page from nothing")[1];
  const [, html] = guide.match(/^```html\n([^]*?)^```/m)!;
  const [, script] = guide.match(/^```js ignore\n([^]*?)^```/m)!;
  await Deno.writeTextFile(`${folder}/index.html`, html);
  const bytes = pattern(9 * MIB + 5);
  await Deno.writeFile(`${folder}/film.mp4`, bytes);
  const command = [
    "node",
    "node_modules/vite/bin/vite.js",
    "--port=0",
    "--host=127.0.0.1",
  ] as const;
  const ready = /(http:\/\/127\.0\.0\.1:\d+)\//;
  await using page = await startServer({ command: [...command], cwd: folder, ready });
  const options = ["--proxy", "--port=0", "--json", `--allow-origin=${page.origin}`];
  await using proxy = await startServer({
    command: ["node", "node_modules/.bin/resumable-media", "emulator", ...options],
    cwd: folder,
    env: { XDG_STATE_HOME: folder },
    ready: /"proxy":"([^"]+)"/,
  });
  await Deno.writeTextFile(`${folder}/main.js`, replaceOnce(script, ADDRESS, proxy.origin));
  await using visitor = await browser.visitor();
  await browser.problems();
  const view = await visitor.open(page.origin);
  await choose(view, `${folder}/film.mp4`);
  await view.find("output", /Stored as users\/me\/.*\/film\.mp4/).seen();
  const name = (await view.find("output").text()).replace("Stored as ", "");
  const { emulator } = JSON.parse(proxy.log.split("\n")[0]);
  const url = `${emulator}/download/storage/v1/b/my-bucket/o/${encodeURIComponent(name)}?alt=media`;
  const stored = await (await fetch(url)).bytes();
  assertEquals(difference(stored, bytes), -1);
  assertEquals(await browser.problems(), []);
});

/** Where the command's proxy is unless it is told otherwise. */
const ADDRESS = "http://127.0.0.1:8086";

function replaceOnce(text: string, what: string, by: string): string {
  assertEquals(text.split(what).length, 2, `${what} stands there once`);
  return text.replace(what, by);
}

/** Code for a page, that drops a file onto it. */
const drop = (name: string, text: string) =>
  `{
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([${JSON.stringify(text)}], ${
    JSON.stringify(name)
  }, { type: "text/plain" }));
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.querySelector(".drop").dispatchEvent(event);
}`;
