// The playground in Chromium: its servers are in a worker of the page, and the one on the socket serves files only.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";
import { fileURLToPath } from "node:url";
import { difference } from "../e2e/support.ts";
import { CHECKS, CONTRAST } from "../page/checks.ts";
import type { Visitor } from "../page/remote.ts";
import {
  assertAlone,
  assertQuiet,
  assertStored,
  BROKEN,
  chooseSpeed,
  chooseWay,
  exchanges,
  fileIn,
  type Fixture,
  inPhase,
  openFixture,
  openPage,
  openPlayground,
  reload,
  starts,
  stored,
  test,
} from "./scene.ts";

const MIB = 1_048_576;

let fixture: Fixture;
Deno.test.beforeAll(async () => {
  fixture = await openFixture();
});
Deno.test.afterAll(async () => await fixture[Symbol.asyncDispose]());

/** A file on disk, and its bytes. */
const file = (name: string, size: number) => fileIn(fixture, name, size);

/** As much of a request as is the same at every Google. */
function said(method: string, headers: Iterable<readonly [string, string]>, bytes: number) {
  const own = [...headers].filter(([name]) => /^(?:content-range|x-(?:goog-)?upload-)/.test(name));
  return { method, bytes, headers: Object.fromEntries(own) };
}

/** Runs the code as a module of another page, which hands it a file. */
async function runInPage(visitor: Visitor, code: string, path: string): Promise<void> {
  const script = await bundled(code);
  const page =
    '<!DOCTYPE html><title>x</title><input type="file"><script type="module" src="x.js"></script>';
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    const isScript = url.endsWith("/x.js");
    const type = isScript ? "text/javascript" : "text/html; charset=UTF-8";
    return new Response(isScript ? script : page, { headers: { "content-type": type } });
  });
  try {
    const other = await visitor.open(`http://127.0.0.1:${server.addr.port}/`);
    await other.find("input").call("setInputFiles", [path]);
    const { crc32c } = await other.call<{ crc32c: string }>(
      "evaluate",
      'import("./x.js").then(({ send }) => send(document.querySelector("input").files[0]))',
    );
    assertMatch(crc32c, /^[\w+/]{6}==$/);
    await other.call("close");
  } finally {
    await server.shutdown();
  }
}

/** The code as its reader would build it: in a folder that knows the package by its name. */
async function bundled(code: string): Promise<string> {
  const root = new URL("../../", import.meta.url);
  const folder = fileURLToPath(new URL(".tmp/", root));
  await Deno.mkdir(folder, { recursive: true });
  const path = await Deno.makeTempFile({ dir: folder, suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--check", "--platform=browser", path],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(path);
  }
}

test("a dropped file whose connection is cut is stored byte for byte, with every request shown, and nobody outside is asked", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  await page.role("button", "Cut it in the middle").click();
  await page.find("output", "break off half way").seen();
  const drop = `(() => {
    const bytes = new Uint8Array(3000000).map((_, at) => at * 7 + (at >> 8));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "dropped ü.bin"));
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(
        new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  })()`;
  await page.call("evaluate", drop);
  await inPhase(page, "dropped ü.bin", "done");
  const bytes = new Uint8Array(3_000_000).map((_, at) => at * 7 + (at >> 8));
  await assertStored(page, "dropped ü.bin", bytes);
  const rows = (await page.find("#exchanges summary").call<string[]>("allInnerTexts"))
    .map((row) => row.replaceAll(/\s+/g, " "));
  const shows = (pattern: RegExp) => assert(rows.some((row) => pattern.test(row)), `${pattern}`);
  shows(/^Page → backend GET Ask for a ticket 200/);
  shows(/^Page → proxy POST Start a session 200/);
  shows(/^Page → proxy PUT Send 1\.0 MB from 0 bytes on The connection broke: cut on purpose/);
  shows(/^Page → proxy PUT Ask what is stored 308/);
  shows(/^Proxy → Google PUT Send .* on, the last 200/);
  assertEquals(starts(await exchanges(page), "page to proxy"), 1);
  await assertAlone(at);
  await assertQuiet(fixture, BROKEN);
});

test("the code that is copied does the same at another Google, with two lines changed", async () => {
  await using at = await openPlayground(fixture, {
    visitor: { permissions: ["clipboard-read", "clipboard-write"] },
  });
  const { page, visitor } = at;
  const { path, bytes } = await file("copied ü.bin", 3_000_001);
  for (const way of ["proxy", "x-goog-upload"]) {
    await chooseWay(page, way);
    await page.find("#files").call("setInputFiles", [path]);
    const done = page.find('.card[data-phase="done"]');
    await done.call("nth", way === "proxy" ? 0 : 1);
    await page.find("#summary", way === "proxy" ? "1 file, 1 stored" : "2 files, 2 stored").seen();
    const shown = await page.find("#code-text").call<string>("textContent");
    await page.role("button", "Copy the code").click();
    await page.find("#live", "The code is copied").call("waitFor", { state: "attached" });
    const code = await page.call<string>("evaluate", "navigator.clipboard.readText()");
    assertEquals(code, shown);

    const gcs = new GcsEmulator();
    const google = await serveEmulator(gcs);
    try {
      const changed = code
        .replace(/^const endpoint = .*$/m, `const endpoint = "${google.origin}";`)
        .replace(/^const token = .*$/m, 'const token = () => "ya29.mine";');
      const lines = (text: string) => text.split("\n");
      assertEquals(lines(code).filter((line, at) => line !== lines(changed)[at]).length, 2);
      await runInPage(visitor, changed, path);
      const [object] = gcs.objects;
      assertEquals(difference(object.bytes!, bytes), -1);
      assertMatch(object.name, /^uploads\/[0-9a-f]{8}\/copied ü\.bin$/);
      const leg = way === "proxy" ? "page to proxy" : "page to Google";
      const there = (await exchanges(page)).filter((exchange) => exchange.leg === leg);
      assertEquals(
        gcs.requests.filter(({ method }) => method !== "OPTIONS")
          .map(({ method, headers, bodyBytes }) =>
            said(method, Object.entries(headers), bodyBytes)
          ),
        there.slice(-gcs.requests.filter(({ method }) => method !== "OPTIONS").length)
          .map(({ method, headers, sent }) => said(method, headers, sent)),
      );
    } finally {
      await google.close();
    }
  }
  await assertQuiet(fixture);
});

test("it works at the top of a host as well, by every way there is, and each way says what it does", async () => {
  await using at = await openPlayground(fixture, { path: "/" });
  const { page } = at;
  assertEquals(fixture.built.withoutTus, undefined);
  await page.call("evaluate", `document.querySelector("#chunk").value = "262144"`);
  const ways: Record<string, RegExp> = {
    "proxy": /^Proxy → Google POST Start a session/,
    "google": /^Page → Google PUT Send 262 kB from 262 kB on 308, 524 kB stored/,
    "x-goog-upload": /^Page → Google POST Send from 524 kB on, and finish 200, finished/,
    "tus": /^Page → proxy PATCH Send from 262 kB on 204, 524 kB stored/,
  };
  for (const [way, row] of Object.entries(ways)) {
    const { name, path, bytes } = await file(`${way}.bin`, 600_000);
    await chooseWay(page, way);
    await page.find("#files").call("setInputFiles", [path]);
    await inPhase(page, name, "done");
    await assertStored(page, name, bytes);
    const rows = await page.find("#exchanges summary").call<string[]>("allInnerTexts");
    assert(rows.some((text) => row.test(text.replaceAll(/\s+/g, " "))), `${row}: ${rows}`);
  }
  const stream = await file("stream.bin", 600_000);
  await chooseWay(page, "proxy");
  await page.find('input[name="source"]').call("check");
  await page.find("#files").call("setInputFiles", [stream.path]);
  await inPhase(page, stream.name, "done");
  await assertStored(page, stream.name, stream.bytes);
  assertStringIncludes(await page.find("#code-text").text(), "upload(file.stream(), {");
  await assertAlone(at);
  await assertQuiet(fixture);
});

test("a worker that the browser has stopped is followed by one that knows sessions, objects and requests", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const [first, second] = [await file("before.bin", 10), await file("killed.bin", 2 * MIB + 1)];
  await page.find("#files").call("setInputFiles", [first.path]);
  await inPhase(page, first.name, "done");
  await page.find("#chunk").call("selectOption", "262144");
  await chooseSpeed(page, "500000");
  await page.find("#files").call("setInputFiles", [second.path]);
  await stored(page, /524 kB/);
  await page.role("button", "Pause killed.bin").click();
  await inPhase(page, second.name, "paused");
  await page.find("#exchanges", "The connection broke: the page stopped it").seen();
  const before = await exchanges(page);
  await page.stopWorkers();
  await chooseSpeed(page, "");
  await page.role("button", "Resume killed.bin").click();
  await inPhase(page, second.name, "done");
  await page.find("#restarted", "What was stored is still there").seen();
  await assertStored(page, first.name, first.bytes);
  await assertStored(page, second.name, second.bytes);
  const after = await exchanges(page);
  assertEquals(after.slice(0, 4).map(({ url }) => url), before.slice(0, 4).map(({ url }) => url));
  assertEquals(starts(after, "page to proxy"), 2);
  assertEquals(new Set(after.map(({ id }) => id)).size, after.length);
  await assertQuiet(fixture);
});

test("after the first visit it needs no server at all", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  await at.endServer();
  await reload(page);
  for (const way of ["x-goog-upload", "tus"]) {
    await chooseWay(page, way);
    const { name, path, bytes } = await file(`offline ${way}.bin`, 300_000);
    await page.find("#files").call("setInputFiles", [path]);
    await inPhase(page, name, "done");
    await assertStored(page, name, bytes);
  }
  await assertQuiet(fixture);
});

test("where there are no service workers it says why, and offers nothing that cannot work", async () => {
  // For this visitor the server is a proxy, so that the page has an origin that browsers do not trust.
  await using at = await openPlayground(fixture, { path: "/" });
  const { origin } = new URL(at.url);
  await using stranger = await fixture.browser.visitor({ proxy: { server: origin } });
  const page = await openPage(stranger, "http://page.example/");
  await page.find("#unavailable", "came over plain http").seen();
  await page.find("#playground").unseen();
  assertEquals(await page.call("evaluate", CONTRAST), []);
  await assertQuiet(fixture, /Cross-Origin-Opener-Policy/);
});

for (
  const [colorScheme, width, touch] of [["light", 390, true], ["dark", 1440, false]] as const
) {
  test(`names, roles, sizes and contrasts hold, ${colorScheme} and ${width} px wide`, async () => {
    await using at = await openPlayground(fixture, {
      visitor: {
        colorScheme,
        ...touch && { hasTouch: true, isMobile: true },
        viewport: { width, height: 800 },
        reducedMotion: "reduce",
      },
    });
    const { page } = at;
    if (touch) await page.find("#hard summary").click();
    await page.role("button", "Lose the reply").click();
    const { path } = await file(`a-rather-${"very-".repeat(12)}long-name.bin`, 300_000);
    await page.find("#files").call("setInputFiles", [path]);
    await inPhase(page, "long-name.bin", "done");
    await page.call(
      "evaluate",
      'for (const one of document.querySelectorAll("#exchanges details")) one.open = true',
    );
    await page.find(".token >> nth=0").seen();
    const checks = touch ? CHECKS.replaceAll("< 24", "< 44") : CHECKS;
    assertEquals(await page.call("evaluate", checks), []);
    assertEquals(await page.call("evaluate", CONTRAST), []);
    await page.find(".for-mouse")[touch ? "unseen" : "seen"]();
    await assertQuiet(fixture, BROKEN);
  });
}
