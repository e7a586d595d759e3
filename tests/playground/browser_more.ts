// More of the playground in Chromium, on a slow line: reloads, tabs, faults, the keyboard. `deno task test:long` runs it.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  assertQuiet,
  assertStored,
  BROKEN,
  chooseSpeed,
  exchanges,
  fileIn,
  type Fixture,
  inPhase,
  openFixture,
  openPage,
  openPlayground,
  REFUSED,
  reload,
  starts,
  stored,
  test,
} from "./fixture.ts";

const MIB = 1_048_576;

let fixture: Fixture;
Deno.test.beforeAll(async () => {
  fixture = await openFixture();
});
Deno.test.afterAll(async () => await fixture[Symbol.asyncDispose]());

/** A file on disk, and its bytes. */
const file = (name: string, size: number) => fileIn(fixture, name, size);

test("a request opens, and shows its headers with the secrets marked as such", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  await page.find("#size").call("selectOption", "1");
  await page.find("#make").click();
  await inPhase(page, "generated-1-MiB.bin", "done");
  const open = async (text: string | RegExp) => {
    const row = page.find("#exchanges li", text);
    await row.find("summary").click();
    return row;
  };
  await (await open("Ask for a ticket")).find(".token", /^ticket eyJ/).seen();
  const start = await open(/Page → proxy\s*POST/);
  await start.find("pre", "x-upload-content-length: 1048576").seen();
  assertMatch(await start.text(), /authorization: Bearer ticket eyJ\S+…/);
  assertMatch(await start.text(), /location: \S+upload_id=session eyJ\S+…/);
  const own = await open(/Proxy → Google\s*POST/);
  await own.find(".token", "access token the-proxys-").seen();
  await assertQuiet(fixture);
});

test("a reload in the middle goes on with the same session, from what is stored", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const { name, path, bytes } = await file("reload.bin", 3 * MIB + 5);
  await page.find("#chunk").call("selectOption", "262144");
  await chooseSpeed(page, "500000");
  await page.find("#files").call("setInputFiles", [path]);
  await stored(page, /524 kB/);
  await reload(page);
  await chooseSpeed(page, "");
  await inPhase(page, name, "done");
  await assertStored(page, name, bytes);
  const all = await exchanges(page);
  assertEquals(starts(all, "page to proxy"), 1);
  const ranges = all.filter(({ leg }) => leg === "page to proxy")
    .flatMap(({ headers }) => headers.filter(([name]) => name === "content-range"))
    .map(([, range]) => range);
  assertEquals(ranges.filter((range) => range.startsWith("bytes 0-")).length, 1);
  assert(ranges.includes("bytes */*"), "the server was not asked");
  await assertQuiet(fixture);
});

test("a worker that is stopped in the middle of a request is a connection that broke", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const { name, path, bytes } = await file("middle.bin", 2 * MIB + 1);
  await page.find("#chunk").call("selectOption", "262144");
  await chooseSpeed(page, "500000");
  await page.find("#files").call("setInputFiles", [path]);
  await stored(page, /524 kB/);
  await page.stopWorkers();
  await page.find("#restarted", "What was stored is still there").seen();
  await chooseSpeed(page, "");
  await inPhase(page, name, "done");
  await assertStored(page, name, bytes);
  assertEquals(starts(await exchanges(page), "page to proxy"), 1);
  await assertQuiet(fixture, BROKEN);
});

test("each tab has a playground of its own, a duplicated one too: faults of one do not touch the other", async () => {
  await using at = await openPlayground(fixture);
  const { page, visitor, url } = at;
  const other = await openPage(visitor, url);
  await page.role("button", "Forget the session").click();
  await page.find("output", "will be gone").seen();
  const { name, path, bytes } = await file("tabs.bin", 400_000);
  await other.find("#files").call("setInputFiles", [path]);
  await inPhase(other, name, "done");
  await assertStored(other, name, bytes);
  await page.find("output", "will be gone").seen();
  assertEquals(await exchanges(page), []);
  const id = `sessionStorage.playground`;
  const copied = await page.call<string>(
    "evaluate",
    `new Promise((resolve) => {
      const tab = open(location.href);
      const look = () => {
        try {
          if (tab.document.documentElement.dataset.ready === "") {
            resolve(tab.sessionStorage.playground);
            return tab.close();
          }
        } catch {}
        setTimeout(look, 50);
      };
      look();
    })`,
  );
  assertMatch(copied, /^[0-9a-f]{32}$/);
  const ids = [copied, await page.call("evaluate", id), await other.call("evaluate", id)];
  assertEquals(new Set(ids).size, 3);
  await assertQuiet(fixture);
});

test("what each button breaks is what happens, and what the page says of it", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const broken = async (button: string, name: string) => {
    await page.role("button", button).click();
    await page.find("output", "next").seen();
    const { path, bytes } = await file(name, 400_000);
    await page.find("#files").call("setInputFiles", [path]);
    return bytes;
  };
  for (const button of ["Lose the reply", "Busy server (503)"]) {
    const bytes = await broken(button, `${button}.bin`);
    await inPhase(page, `${button}.bin`, "done");
    await assertStored(page, `${button}.bin`, bytes);
  }
  const restarts = {
    "Flip a bit": /checksum|not what was sent/i,
    "Forget the session": /does not know/,
  };
  for (const [button, words] of Object.entries(restarts)) {
    const bytes = await broken(button, `${button}.bin`);
    await inPhase(page, `${button}.bin`, "failed");
    assertMatch(await page.find('.card[data-phase="failed"]').text(), words);
    await page.role("button", `Start again ${button}.bin`).click();
    await inPhase(page, `${button}.bin`, "done");
    await assertStored(page, `${button}.bin`, bytes);
  }
  // The reply to the question above may still be on its way.
  const deadline = Date.now() + 10_000;
  let said = "";
  while (!said.includes("Nothing is on its way")) {
    assert(Date.now() < deadline, said);
    await page.role("button", "Cut the connection now").click();
    await new Promise((resolve) => setTimeout(resolve, 500));
    said = await page.find("#live").text();
  }
  await page.find('input[name="retry"]').call("uncheck");
  await chooseSpeed(page, "500000");
  const { name, path, bytes } = await file("now.bin", 1_500_000);
  await page.find("#files").call("setInputFiles", [path]);
  await page.find("#exchanges", "Under way").seen();
  await page.role("button", "Cut the connection now").click();
  await inPhase(page, name, "failed");
  await chooseSpeed(page, "");
  await page.role("button", `Try again ${name}`).click();
  await inPhase(page, name, "done");
  await assertStored(page, name, bytes);
  await assertQuiet(fixture, BROKEN, REFUSED(503), REFUSED(410), REFUSED(400), REFUSED(412));
});

test("a checksum that nobody has compared is not said to be the file's", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const send = async (name: string, button?: string) => {
    if (button) {
      await page.find("output", "next").unseen(); // else the button takes back what has happened
      await page.role("button", button).click();
      await page.find("output", "next").seen();
    }
    const { path } = await file(name, 400_000);
    await page.find("#files").call("setInputFiles", [path]);
  };
  const compared = async (name: string) => {
    await inPhase(page, name, "done");
    return (await page.find(".card", name).find("[data-compared]").text()).trim();
  };
  await send("compared.bin");
  assertEquals(await compared("compared.bin"), "same as the file’s");
  await page.find("#checksum").call("selectOption", "none");
  await send("unchecked.bin", "Flip a bit");
  assertEquals(await compared("unchecked.bin"), "not compared with the file’s");
  await page.find("#checksum").call("selectOption", "auto");
  await page.find('input[name="way"][value="tus"]').call("check", { force: true });
  await send("tus.bin", "Flip a bit");
  assertEquals(await compared("tus.bin"), "not compared with the file’s");
  await send("forgotten.bin", "Forget the session");
  await inPhase(page, "forgotten.bin", "failed");
  assertMatch(await page.find('.card[data-phase="failed"]').text(), /does not know this upload/);
  await page.role("button", "Start again forgotten.bin").click();
  await inPhase(page, "forgotten.bin", "done");
  await page.role("button", "Empty bucket and list").click();
  await page.find("#empty").seen();
  await assertQuiet(fixture, BROKEN, REFUSED(410), REFUSED(404));
});

test("cancelling tells the server; emptying forgets objects and requests", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const { name, path } = await file("cancel.bin", 2 * MIB);
  await page.find("#chunk").call("selectOption", "262144");
  await chooseSpeed(page, "500000");
  await page.find("#files").call("setInputFiles", [path]);
  await stored(page, /262 kB/);
  await page.role("button", `Cancel ${name}`).click();
  await page.find(".card", name).unseen();
  assert(
    (await exchanges(page)).some(({ method, reply }) =>
      method === "DELETE" && reply?.status === 499
    ),
  );
  await page.role("button", "Empty bucket and list").click();
  await page.find("#live", "Bucket and list are empty").call("waitFor", { state: "attached" });
  assertEquals(await page.find("#exchanges li").call("count"), 0);
  assertEquals(await exchanges(page), []);
  await reload(page);
  await page.find("#empty").seen();
  await assertQuiet(fixture, REFUSED(499));
});

test("it can be used with the keyboard alone", async () => {
  await using at = await openPlayground(fixture);
  const { page } = at;
  const focused = () =>
    page.call<string>("evaluate", "document.activeElement.id || document.activeElement.name");
  await page.call("bringToFront");
  await page.find("body").call("press", "Tab");
  const met = new Set<string>();
  for (let tabs = 0; tabs < 40 && await focused() !== "make"; tabs++) {
    met.add(await focused());
    await page.press("Tab");
  }
  for (const name of ["way", "chunk", "checksum", "retry", "source", "files", "size"]) {
    assert(met.has(name), `${name} cannot be reached`);
  }
  await page.press("Enter");
  await inPhase(page, "generated-8-MiB.bin", "done");
  for (let tabs = 0; tabs < 40 && await focused() !== "copy"; tabs++) await page.press("Tab");
  assertEquals(await focused(), "copy");
  const outline = "getComputedStyle(document.activeElement).outlineStyle";
  assertEquals(await page.call("evaluate", outline), "solid");
  await assertQuiet(fixture);
});

test("a version that is published meanwhile is taken when no tab is left; until then pages and worker are of one version", async () => {
  const site = `${fixture.folder}/published`;
  await Deno.mkdir(site);
  for (const name of fixture.built.files) {
    await Deno.copyFile(`${fixture.site}/${name}`, `${site}/${name}`);
  }
  await using at = await openPlayground({ ...fixture, site });
  const [worker, index] = await Promise.all(
    ["worker.js", "index.html"].map((name) => Deno.readTextFile(`${site}/${name}`)),
  );
  const published = worker.replace(/"version":"\w+"/, '"version":"next"');
  assert(published !== worker, "the version stands in the worker");
  await Deno.writeTextFile(`${site}/worker.js`, published);
  await Deno.writeTextFile(`${site}/index.html`, index.replace("<h1>", "<h1>Next: "));

  await reload(at.page);
  const isThere =
    "navigator.serviceWorker.getRegistration().then(({ waiting }) => waiting !== null)";
  await at.page.call("waitForFunction", isThere);
  const other = await openPage(at.visitor, at.url);
  for (const page of [at.page, other]) {
    assertMatch(await page.find("h1").text(), /^Break/);
    await page.find("#make").click();
    await page.find(".card[data-phase=done]").seen();
  }

  for (const page of [at.page, other]) await page.call("close");
  // The browser takes seconds to notice that the last tab is closed, and none may be opened meanwhile.
  const openLater = async () => {
    await new Promise((resolve) => setTimeout(resolve, 4000));
    return await openPage(at.visitor, at.url);
  };
  let next = await openLater();
  for (let tries = 1; tries < 4 && /^Break/.test(await next.find("h1").text()); tries++) {
    await next.call("close");
    next = await openLater();
  }
  assertMatch(await next.find("h1").text(), /^Next: Break/);
  await next.find("#make").click();
  await next.find(".card[data-phase=done]").seen();
  await assertQuiet(fixture);
});
