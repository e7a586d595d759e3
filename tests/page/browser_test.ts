// The page in Chromium, in front of the proxy and the emulator, over real connections that break.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { UPLOAD_CHUNK_SIZE } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { BUCKET, type PageOptions, servePage } from "../../examples/page/serve.ts";
import type { PageSettings } from "../../examples/page/settings.ts";
import { difference, pattern } from "../e2e/support.ts";
import { type Wire, wire } from "../e2e/wire.ts";
import { CHECKS, CONTRAST } from "./checks.ts";
import { type Browser, type Elements, type Page, startBrowser, type Visitor } from "./remote.ts";
import { until } from "../support/until.ts";

const CHUNK = UPLOAD_CHUNK_SIZE;

let browser: Browser;
let folder: string;
Deno.test.beforeAll(async () => {
  [browser, folder] = await Promise.all([startBrowser(), Deno.makeTempDir({ prefix: "page-" })]);
});
Deno.test.afterAll(async () => {
  await Promise.all([browser[Symbol.asyncDispose](), Deno.remove(folder, { recursive: true })]);
});

/** A server of its own, a wire to it, and a visitor with a page. */
interface Scene extends AsyncDisposable {
  readonly gcs: GcsEmulator;
  readonly line: Wire;
  readonly visitor: Visitor;
  page: Page;
}

async function scene(
  settings: Partial<PageSettings> = {},
  options: Record<string, unknown> = {},
  { uppy }: Pick<PageOptions, "uppy"> = {},
): Promise<Scene> {
  const held = Promise.withResolvers<void>();
  const gcs = new GcsEmulator({ sleep: () => held.promise });
  const server = await servePage({
    gcs,
    uppy,
    settings: { chunkSize: CHUNK, retryDelay: 50, ...settings },
  });
  const line = wire(server.origin);
  const visitor = await browser.visitor(options);
  await browser.problems(); // of a test that failed before
  const page = await open(visitor, line.origin);
  return {
    gcs,
    line,
    visitor,
    page,
    async [Symbol.asyncDispose]() {
      held.resolve();
      await visitor[Symbol.asyncDispose]();
      await line[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

async function open(visitor: Visitor, origin: string): Promise<Page> {
  const page = await visitor.open(origin);
  await page.find("html[data-ready]").seen();
  return page;
}

/** Loads the page anew, as the reload button does. */
async function reload(page: Page): Promise<void> {
  await page.call("reload");
  await page.find("html[data-ready]").seen();
}

/** A file on disk, and its bytes. */
async function file(name: string, size: number): Promise<{ path: string; bytes: Uint8Array }> {
  const bytes = pattern(size);
  const path = `${folder}/${name}`;
  await Deno.writeFile(path, bytes);
  return { path, bytes };
}

const choose = (page: Page, ...paths: string[]) => page.find("#files").call("setInputFiles", paths);
const card = (page: Page, name: string) => page.find(".card", name);
const inPhase = (page: Page, name: string, phase: string): Elements =>
  page.find(`.card[data-phase="${phase}"]`, name);

/** The bytes that were stored under the name of a file. */
function stored(gcs: GcsEmulator, name: string): Uint8Array {
  const object = gcs.objects.find((object) => object.name.endsWith(`/${name}`));
  assert(object?.bytes, `${name} was not stored`);
  assertEquals(object.bucket, BUCKET);
  return object.bytes;
}

/** Makes the page wait in its third chunk, with two stored, and waits until it does. */
async function upToThirdChunk({ gcs, page }: Scene, name: string): Promise<void> {
  await page.find(`[data-stored-text]`, "524 kB").seen();
  await until(() => gcs.requests.some(({ fault }) => fault === "delay"), `${name} is not held`);
}

/** The third chunk does not arrive: its request hangs until the scene is over. */
const HOLD_THIRD = { on: "chunk", skip: 2, delay: 1 } as const;

/** Nothing was complained about, but for requests that were meant to fail. */
async function assertQuiet(...meant: RegExp[]): Promise<void> {
  const problems = await browser.problems();
  assertEquals(problems.filter((problem) => !meant.some((words) => words.test(problem))), []);
}

const BROKEN = /Failed to load resource: net::ERR_/;
const REFUSED = (status: number) => new RegExp(`responded with a status of ${status}`);

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `page: ${name}`, fn: run, sanitizeOps: false, sanitizeResources: false });
}

test("a file of several megabytes is stored byte for byte, with checksum and name shown", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const [a, b] = await Promise.all([file("a b ü.bin", 5_000_123), file("empty.txt", 0)]);
  await choose(page, a.path, b.path);
  await inPhase(page, "a b ü.bin", "done").seen();
  await inPhase(page, "empty.txt", "done").seen();
  assertEquals(difference(stored(gcs, "a b ü.bin"), a.bytes), -1);
  assertEquals(stored(gcs, "empty.txt").length, 0);
  const done = await card(page, "a b ü.bin").text();
  const object = gcs.objects.find(({ name }) => name.endsWith("ü.bin"))!;
  assertStringIncludes(done, `gs://${BUCKET}/${object.name}`);
  assertStringIncludes(done, object.resource.crc32c);
  assertEquals(done.match(/5\.0 MB/g)?.length, 1, "the size is said once");
  await page.find("#live", "a b ü.bin: stored, 5.0 MB").call("waitFor", { state: "attached" });
  await page.find("#summary", "2 files, 2 stored").seen();
  const starts = gcs.requests.filter(({ kind }) => kind === "initiate");
  assertEquals(starts.map(({ headers }) => "authorization" in headers), [false, false]);
  await reload(page);
  await page.find("#empty").seen(); // what is finished is not kept
  await assertQuiet();
});

test("a connection cut in mid-chunk is recovered from, and no byte is lost or doubled", async () => {
  await using at = await scene();
  const { page, gcs, line } = at;
  const { path, bytes } = await file("cut.bin", 3_000_001);
  line.breakAfter(900_000, 1_000_000);
  await choose(page, path);
  await inPhase(page, "cut.bin", "done").seen();
  assertEquals(line.breaks, 2);
  assertEquals(difference(stored(gcs, "cut.bin"), bytes), -1);
  assert(gcs.requests.some(({ kind }) => kind === "status"), "the server was not asked");
  await assertQuiet(BROKEN);
});

test("the buttons of the bad network make it bad, and uploads survive it", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  for (const [index, button] of ["Cut the connection", "Lose the reply"].entries()) {
    const { path, bytes } = await file(`bad${index}.bin`, 2 * CHUNK + 5);
    await page.role("button", button).click();
    await page.find("output", "next").seen();
    await choose(page, path);
    await inPhase(page, `bad${index}.bin`, "done").seen();
    assertEquals(difference(stored(gcs, `bad${index}.bin`), bytes), -1);
    await page.find("output", "next").unseen();
  }
  await assertQuiet(BROKEN);
});

test("pause stops in the middle of a chunk, resume goes on from what is stored", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path, bytes } = await file("pause.bin", 5 * CHUNK + 77);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "pause.bin");
  const bar = page.role("progressbar", "pause.bin");
  assertEquals(await bar.attribute("aria-valuenow"), "39");
  await page.find('[data-bar][aria-valuetext="39% stored, 59% sent"]').seen();
  await page.role("button", "Pause pause.bin").click();
  await inPhase(page, "pause.bin", "paused").seen();
  await page.find("#live", "pause.bin: paused").call("waitFor", { state: "attached" });
  await page.role("button", "Resume pause.bin").click();
  await inPhase(page, "pause.bin", "done").seen();
  assertEquals(difference(stored(gcs, "pause.bin"), bytes), -1);
  assertEquals(gcs.requests.filter(({ kind }) => kind === "initiate").length, 1);
  await assertQuiet();
});

test("a reload in mid-upload resumes from the checkpoint, with the file that was kept", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path, bytes } = await file("reload.bin", 5 * CHUNK + 77);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "reload.bin");
  const before = gcs.requests.length;
  await reload(page);
  await inPhase(page, "reload.bin", "done").seen();
  assertEquals(difference(stored(gcs, "reload.bin"), bytes), -1);
  assertEquals(gcs.requests[before].kind, "status");
  assert(
    !gcs.requests.slice(before).some(({ contentRange }) => contentRange?.startsWith("bytes 0-")),
  );
  await assertQuiet();
});

test("a paused upload waits for its user after the tab was closed and opened again", async () => {
  await using at = await scene();
  const { gcs, visitor, line } = at;
  const { path, bytes } = await file("closed.bin", 4 * CHUNK);
  gcs.inject(HOLD_THIRD);
  await choose(at.page, path);
  await upToThirdChunk(at, "closed.bin");
  await at.page.role("button", "Pause closed.bin").click();
  await inPhase(at.page, "closed.bin", "paused").seen();
  await at.page.call("close");
  const page = await open(visitor, line.origin);
  await inPhase(page, "closed.bin", "paused").seen();
  assertStringIncludes(await card(page, "closed.bin").text(), "524 kB stored");
  await page.role("button", "Resume closed.bin").click();
  await inPhase(page, "closed.bin", "done").seen();
  assertEquals(difference(stored(gcs, "closed.bin"), bytes), -1);
  await assertQuiet();
});

test("a second tab leaves an upload to the first, and takes it when that one is closed", async () => {
  await using at = await scene();
  const { page, gcs, visitor, line } = at;
  const { path, bytes } = await file("tabs.bin", 4 * CHUNK);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "tabs.bin");
  const second = await open(visitor, line.origin);
  await second.find("#empty").seen();
  await page.call("close");
  await inPhase(second, "tabs.bin", "done").seen();
  assertEquals(difference(stored(gcs, "tabs.bin"), bytes), -1);
  await assertQuiet();
});

test("a file that is not kept is asked for, and another one is refused in words", async () => {
  await using at = await scene({ keepBytes: 0 });
  const { page, gcs } = at;
  const { path, bytes } = await file("mine.bin", 4 * CHUNK + 1);
  const other = await file("other.bin", 4 * CHUNK + 1);
  const { mtime } = await Deno.stat(path);
  await Deno.writeFile(other.path, bytes.toReversed());
  await Deno.utime(other.path, mtime!, mtime!); // differs in nothing but its bytes
  const shorter = await file("shorter.bin", 99);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "mine.bin");
  await reload(page);
  await inPhase(page, "mine.bin", "needs-file").seen();
  const again = card(page, "mine.bin").role("button", /Choose the file again/);
  for (const wrong of [other.path, shorter.path]) {
    await again.call("setInputFiles", wrong);
    const refusal = card(page, "mine.bin").find(
      ".problem",
      "not the file that the upload was begun with",
    );
    await refusal.seen();
    assertMatch(await refusal.text(), /Choose “mine\.bin” \(1\.0 MB\) as it was then/);
  }
  assertEquals(gcs.objects.length, 0);
  await again.call("setInputFiles", path);
  await inPhase(page, "mine.bin", "done").seen();
  assertEquals(difference(stored(gcs, "mine.bin"), bytes), -1);
  await assertQuiet();
});

test("a file of a kind that is not accepted is refused in words", async () => {
  await using at = await scene({ contentTypes: ["image/*", "application/pdf"] });
  const { page, gcs } = at;
  const { path } = await file("notes.txt", 1000);
  await choose(page, path);
  const refused = inPhase(page, "notes.txt", "failed");
  await refused.seen();
  const words = await refused.text();
  assertStringIncludes(words, "Files of this kind (text/plain) are not accepted.");
  assertStringIncludes(words, "Accepted are images and PDF.");
  await page.role("button", "Remove notes.txt").click();
  await page.find("#empty").seen();
  assertEquals(gcs.sessions.length, 0);
  await assertQuiet(REFUSED(403));
});

test("a file that is too large is refused in words", async () => {
  await using at = await scene({ maxBytes: 500_000 });
  const { page, gcs } = at;
  const { path } = await file("large.bin", 600_000);
  await choose(page, path);
  const refused = inPhase(page, "large.bin", "failed");
  await refused.seen();
  const words = await refused.text();
  assertStringIncludes(words, "This file is too large.");
  assertStringIncludes(words, "It has 600 kB; up to 500 kB are accepted.");
  assertEquals(gcs.sessions.length, 0);
  await assertQuiet(REFUSED(413));
});

test("an upload that the server has forgotten says so, and starts again", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path, bytes } = await file("gone.bin", 3 * CHUNK);
  gcs.inject({ on: "chunk", skip: 1, expire: 410 });
  await choose(page, path);
  const failed = inPhase(page, "gone.bin", "failed");
  await failed.seen();
  assertStringIncludes(await failed.text(), "The server does not know this upload any more.");
  await page.role("button", "Start again gone.bin").click();
  await inPhase(page, "gone.bin", "done").seen();
  assertEquals(difference(stored(gcs, "gone.bin"), bytes), -1);
  await assertQuiet(REFUSED(410));
});

test("cancel removes the upload, here and at the server", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path } = await file("cancel.bin", 4 * CHUNK);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "cancel.bin");
  await page.role("button", "Cancel cancel.bin").click();
  await card(page, "cancel.bin").unseen();
  assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
  await page.find("#live", "cancel.bin: cancelled").call("waitFor", { state: "attached" });
  await reload(page);
  await page.find("#empty").seen();
  assertEquals(gcs.objects.length, 0);
  await assertQuiet(REFUSED(499));
});

test("everything can be done with the keyboard, and the focus is never lost", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const [one, two] = [await file("one.bin", 4 * CHUNK), await file("two.bin", 4 * CHUNK)];
  const name = () =>
    page.call<string>(
      "evaluate",
      "document.activeElement.closest('button,label')?.innerText.trim().replaceAll(/\\s+/g, ' ')",
    );
  await page.call("bringToFront");
  await page.find("body").call("press", "Tab");
  assertEquals(await name(), "This library");
  await page.press("Tab");
  assertEquals(await name(), "Choose files");
  const outline = "getComputedStyle(document.activeElement.closest('label,button')).outlineStyle";
  assertEquals(await page.call("evaluate", outline), "solid");
  gcs.inject(HOLD_THIRD);
  await choose(page, one.path);
  await upToThirdChunk(at, "one.bin");
  for (let tabs = 0; await name() !== "Pause one.bin"; tabs++) {
    assert(tabs < 10, "Pause cannot be reached");
    await page.press("Tab");
  }
  assertEquals(await page.call("evaluate", outline), "solid");
  await page.press("Enter");
  await inPhase(page, "one.bin", "paused").seen();
  assertEquals(await name(), "Resume one.bin");
  await page.press("Space");
  await inPhase(page, "one.bin", "done").seen();
  assertEquals(await name(), "Remove one.bin");
  await choose(page, two.path);
  await inPhase(page, "two.bin", "done").seen();
  await page.press("Enter"); // removes the first
  await card(page, "one.bin").unseen();
  assertEquals(await name(), "Remove two.bin");
  await page.press("Space");
  await card(page, "two.bin").unseen();
  assertEquals(await name(), "Choose files");
  assertEquals(difference(stored(gcs, "one.bin"), one.bytes), -1);
  await assertQuiet();
});

test("cancelling with the keyboard gives the focus back", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path } = await file("keys.bin", 4 * CHUNK);
  gcs.inject(HOLD_THIRD);
  await choose(page, path);
  await upToThirdChunk(at, "keys.bin");
  await page.role("button", "Cancel keys.bin").call("focus");
  await page.press("Enter");
  await card(page, "keys.bin").unseen();
  assertEquals(await page.call("evaluate", "document.activeElement.id"), "files");
  assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
  await assertQuiet(REFUSED(499));
});

test("files that are dropped anywhere on the page are uploaded", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const drop = `(() => {
    const data = new DataTransfer();
    data.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(
        new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  })()`;
  await page.call("evaluate", drop);
  await inPhase(page, "dropped.txt", "done").seen();
  assertEquals(new TextDecoder().decode(stored(gcs, "dropped.txt")), "dropped");
  await assertQuiet();
});

/** Chooses Uppy. Whether that lasts is for the test to say: where Uppy cannot be had, the choice springs back. */
const chooseUppy = (page: Page) => page.find("#client label", "Uppy, by tus").click();

test("with Uppy chosen the same files go to the same proxy by tus, and both clients stand side by side", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const { path, bytes } = await file("both ü.bin", 3 * CHUNK + 5);
  await choose(page, path);
  await inPhase(page, "both ü.bin", "done").seen();
  await chooseUppy(page);
  const dashboard = page.find("#uppy .uppy-Dashboard");
  await dashboard.seen();
  await page.find("#drop").unseen();
  gcs.inject({ on: "chunk", skip: 1, status: 503 });
  await page.call("setInputFiles", "#uppy input.uppy-Dashboard-input >> nth=0", [path]);
  await page.find("#uppy .uppy-StatusBar.is-complete").seen();
  assertEquals(gcs.objects.map(({ bytes: found }) => difference(found!, bytes)), [-1, -1]);
  await page.find("#live", "both ü.bin: stored, by Uppy").call("waitFor", { state: "attached" });
  await page.find('[data-file="uppy"]', "786 kB").seen();
  await page.find('[data-file="own"]', "786 kB").seen();
  assertMatch(await page.find('[data-twice="uppy"]').text(), /^\d+ (bytes|kB)$/);
  await reload(page);
  await dashboard.seen(); // the choice is kept
  await page.role("radio", "This library").call("check", { force: true });
  await page.find("#drop").seen();
  await assertQuiet(REFUSED(503));
});

test("what the proxy refuses is said in its words, with Uppy too, and without the address of an upload", async () => {
  await using at = await scene({ maxBytes: 500_000 });
  const { page, gcs } = at;
  const { path } = await file("large.bin", 600_000);
  await chooseUppy(page);
  await page.find("#uppy .uppy-Dashboard").seen();
  await page.call("setInputFiles", "#uppy input.uppy-Dashboard-input >> nth=0", [path]);
  const said = page.find("#live", "large.bin: At most 500000 bytes");
  await said.call("waitFor", { state: "attached" });
  await page.find("#uppy", "At most 500000 bytes").seen();
  assert(!(await page.find("#live").text()).includes("http"));
  assertEquals(gcs.sessions.length, 0);
  assert((await browser.problems()).every((problem) => !problem.includes("upload_id=")));
});

test("where Uppy cannot be had the page says why, and this library goes on", async () => {
  const uppy = () => Promise.reject(new Error("Uppy cannot be had from npm: no network"));
  await using at = await scene({}, {}, { uppy });
  const { page } = at;
  await chooseUppy(page);
  await page.find("#client-note", "this library uploads. Uppy cannot be had from npm").seen();
  await page.find("#drop").seen();
  const { path } = await file("own.bin", 10);
  await choose(page, path);
  await inPhase(page, "own.bin", "done").seen();
  await assertQuiet(REFUSED(503));
});

test("the cards keep their order when the page is loaded again", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  gcs.inject({ on: "chunk", delay: 1, times: 9 });
  const sizes = [40, 3, 20, 2, 30].map((chunks) => chunks * CHUNK);
  const files = await Promise.all(sizes.map((size, at) => file(`order${at}.bin`, size)));
  await choose(page, ...files.map(({ path }) => path));
  const names = () => page.find(".card [data-name]").call<string[]>("allInnerTexts");
  await page.role("button", "Pause all").click();
  for (let at = 0; at < 5; at++) await inPhase(page, `order${at}.bin`, "paused").seen();
  const before = await names();
  assertEquals(before, [0, 1, 2, 3, 4].map((at) => `order${at}.bin`));
  await reload(page);
  for (let at = 0; at < 5; at++) await inPhase(page, `order${at}.bin`, "paused").seen();
  assertEquals(await names(), before);
  await assertQuiet();
});

test("one line tells of all uploads, and one button pauses and resumes them", async () => {
  await using at = await scene();
  const { page, gcs } = at;
  const files = await Promise.all([file("1.bin", 5 * CHUNK), file("2.bin", 5 * CHUNK)]);
  gcs.inject({ on: "chunk", skip: 4, delay: 1, times: 2 });
  await choose(page, ...files.map(({ path }) => path));
  await until(() => gcs.requests.filter(({ fault }) => fault === "delay").length === 2, "not held");
  await page.find("#summary", /^2 files, 0 stored, 40% of 2\.6 MB/).seen();
  await page.role("button", "Pause all").click();
  await inPhase(page, "1.bin", "paused").seen();
  await inPhase(page, "2.bin", "paused").seen();
  assertMatch(await card(page, "1.bin").text(), /\b\d+%\s/);
  await page.role("button", "Resume all").click();
  await page.find("#summary", "2 files, 2 stored").seen();
  for (const name of ["1.bin", "2.bin"]) {
    assertEquals(difference(stored(gcs, name), files[0].bytes), -1);
  }
  await assertQuiet();
});

test("a fault can be taken back, and one that has happened elsewhere is not announced any more", async () => {
  await using at = await scene();
  const { page, line } = at;
  const button = page.role("button", "Busy server");
  await button.click();
  await page.find("output", "busy for the next chunk").seen();
  assertEquals(await button.attribute("aria-pressed"), "true");
  await reload(page);
  await page.find("output", "busy for the next chunk").seen();
  await button.click();
  await page.find("output", "busy").unseen();
  assertEquals(await button.attribute("aria-pressed"), "false");
  await button.click();
  await page.find("output", "busy").seen();
  const chunk = { method: "PUT", body: new Uint8Array(5) };
  assertEquals((await fetch(`${line.origin}/upload/x`, chunk)).status, 503);
  await page.find("output", "busy").unseen();
  await assertQuiet();
});

test("a page that came over plain http from another machine says what that means, and uploads", async () => {
  const gcs = new GcsEmulator();
  const server = await servePage({ gcs, settings: { chunkSize: CHUNK } });
  try {
    // For this visitor the server is a proxy, so that the page has an origin that browsers do not trust.
    await using visitor = await browser.visitor({ proxy: { server: server.origin } });
    const page = await open(visitor, "http://page.example/");
    assertEquals(await page.call("evaluate", "isSecureContext"), false);
    await page.find("#insecure", "over plain http").seen();
    const { path, bytes } = await file("lan.bin", 2 * CHUNK + 5);
    await choose(page, path);
    await inPhase(page, "lan.bin", "done").seen();
    assertEquals(difference(stored(gcs, "lan.bin"), bytes), -1);
    await assertQuiet(/Cross-Origin-Opener-Policy/);
  } finally {
    await server.close();
  }
});

test("on a phone nothing is said of dropping, fingers have room, and the bad network is folded above the uploads", async () => {
  const phone = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } };
  await using at = await scene({}, phone);
  const { page, gcs } = at;
  gcs.inject(HOLD_THIRD);
  const { path } = await file("phone.bin", 4 * CHUNK);
  await choose(page, path);
  await upToThirdChunk(at, "phone.bin");
  await page.find("#drop-title .for-touch", "Files from this device").seen();
  await page.find("#drop-title .for-mouse").unseen();
  await page.role("button", "Cut the connection").unseen();
  await page.find("#hard summary").click();
  await page.role("button", "Cut the connection").seen();
  const place = (selector: string) =>
    page.call<number>(
      "evaluate",
      `document.querySelector("${selector}").getBoundingClientRect().top`,
    );
  assert(await place("#hard") < await place("#uploads"));
  assertEquals(await page.call("evaluate", CHECKS.replaceAll("< 24", "< 44")), []);
  await page.role("button", "Cancel phone.bin").click();
  await card(page, "phone.bin").unseen();
  await assertQuiet(REFUSED(499));
});

for (const [colorScheme, width] of [["light", 360], ["dark", 1440]] as const) {
  test(`names, roles, sizes and contrasts hold, ${colorScheme} and ${width} px wide`, async () => {
    await using at = await scene(
      { contentTypes: ["image/*", "application/octet-stream"] },
      { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" },
    );
    const { page, gcs } = at;
    const long = `a-rather-${"very-".repeat(12)}long-name.bin`;
    const files = await Promise.all([
      file("done.bin", 10),
      file(long, 4 * CHUNK),
      file("x.txt", 1),
    ]);
    await choose(page, files[0].path);
    await inPhase(page, "done.bin", "done").seen();
    gcs.inject(HOLD_THIRD);
    await choose(page, files[1].path, files[2].path);
    await upToThirdChunk(at, long);
    await inPhase(page, "x.txt", "failed").seen();
    assertEquals(await page.call("evaluate", CHECKS), []);
    assertEquals(await page.call("evaluate", CONTRAST), []);
    const transition = "getComputedStyle(document.querySelector('.bar-stored')).transitionProperty";
    assertEquals(await page.call("evaluate", transition), "none");
    await page.role("button", `Cancel ${long}`).click();
    await card(page, long).unseen();
    await assertQuiet(REFUSED(403), REFUSED(499));
  });
}
