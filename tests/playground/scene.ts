/** A playground on a server that serves files and nothing else, and a visitor with a page. */

import { assert, assertEquals } from "@std/assert";
import { buildPlayground, type Built } from "../../examples/playground/bundle.ts";
import type { Exchange } from "../../examples/playground/exchange.ts";
import { staticFiles } from "../../examples/playground/static_server.ts";
import { pattern } from "../e2e/support.ts";
import { type Browser, type Page, startBrowser, type Visitor } from "../page/remote.ts";

/** What all scenes share: a browser, a playground that was built, and a folder for files. */
export interface Fixture extends AsyncDisposable {
  readonly browser: Browser;
  readonly folder: string;
  readonly site: string;
  readonly built: Built;
}

/** Starts the browser while the playground is built. */
export async function openFixture(): Promise<Fixture> {
  const folder = await Deno.makeTempDir({ prefix: "playground-" });
  const site = `${folder}/site`;
  const [browser, built] = await Promise.all([startBrowser(), buildPlayground(site)]);
  return {
    ...{ browser, folder, site, built },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A test of the playground. */
export function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `playground: ${name}`, fn: run, sanitizeOps: false, sanitizeResources: false });
}

/** A file on disk, and its bytes. */
export async function fileIn(
  { folder }: Fixture,
  name: string,
  size: number,
): Promise<{ name: string; path: string; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = pattern(size) as Uint8Array<ArrayBuffer>;
  const path = `${folder}/${name}`;
  await Deno.writeFile(path, bytes);
  return { name, path, bytes };
}

/** A server, and a visitor with a page of it. */
export interface OpenPlayground extends AsyncDisposable {
  readonly page: Page;
  readonly visitor: Visitor;
  /** Where the playground is. */
  readonly url: string;
  /** What the server was asked for. */
  readonly asked: readonly string[];
  /** Ends the server; the page stays. */
  endServer(): Promise<void>;
}

/** How a scene is set. */
export interface PlaygroundOptions {
  /** Where the files are. */
  readonly path?: string;
  /** Options of the visitor's context. */
  readonly visitor?: Record<string, unknown>;
}

/** Opens a scene. */
export async function openPlayground(
  { site, browser }: Fixture,
  { path = "/some/where/", visitor: options = {} }: PlaygroundOptions = {},
): Promise<OpenPlayground> {
  const asked: string[] = [];
  const answer = staticFiles(site, path);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return answer(request);
  });
  let ended = false;
  const endServer = async () => {
    if (!ended) await server.shutdown();
    ended = true;
  };
  const url = `http://127.0.0.1:${server.addr.port}${path}`;
  const visitor = await browser.visitor(options);
  await browser.problems(); // of a test that failed before
  const page = await openPage(visitor, url);
  return {
    ...{ page, visitor, url, asked, endServer },
    async [Symbol.asyncDispose]() {
      await visitor[Symbol.asyncDispose]();
      await endServer();
    },
  };
}

/** Opens the playground in another tab. */
export async function openPage(visitor: Visitor, url: string): Promise<Page> {
  const page = await visitor.open(url);
  await page.find("html[data-ready]").seen();
  return page;
}

/** Loads the page anew, as the reload button does. */
export async function reload(page: Page): Promise<void> {
  await page.call("reload");
  await page.find("html[data-ready]").seen();
}

/** What the worker has written down. */
export async function exchanges(page: Page): Promise<Exchange[]> {
  const state = `fetch("t/" + sessionStorage.playground + "/state").then((reply) => reply.json())`;
  return (await page.call<{ exchanges: Exchange[] }>("evaluate", state)).exchanges;
}

/** How many sessions were started, whoever did it. */
export function starts(all: readonly Exchange[], leg: Exchange["leg"]): number {
  return all.filter((exchange) =>
    exchange.leg === leg && exchange.method === "POST" && exchange.url.includes("/upload/") &&
    !exchange.url.includes("upload_id=")
  ).length;
}

/** The bytes that are stored under the name of a file, as their SHA-256. */
async function storedDigest(page: Page, file: string): Promise<string> {
  return await page.call<string>(
    "evaluate",
    `(async () => {
      const google = "t/" + sessionStorage.playground + "/google/storage/v1/b/playground/o";
      const { items = [] } = await (await fetch(google)).json();
      const { name } = items.find(({ name }) => name.endsWith("/" + ${JSON.stringify(file)}));
      const reply = await fetch(google + "/" + encodeURIComponent(name) + "?alt=media");
      const digest = await crypto.subtle.digest("SHA-256", await reply.arrayBuffer());
      return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    })()`,
  );
}

/** Google has exactly these bytes under the name of a file. */
export async function assertStored(
  page: Page,
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  assertEquals(await storedDigest(page, file), digest);
}

/** Chooses one of the ways to send. */
export async function chooseWay(page: Page, way: string): Promise<void> {
  await page.find(`input[name="way"][value="${way}"]`).call("check", { force: true });
}

/** Chooses a speed of the line: `""` for full speed. */
export async function chooseSpeed(page: Page, speed: string): Promise<void> {
  await page.find(`input[name="speed"][value="${speed}"]`).call("check", { force: true });
}

/** Waits for the card of a file in a phase. */
export async function inPhase(page: Page, name: string, phase: string): Promise<void> {
  await page.find(`.card[data-phase="${phase}"]`, name).seen();
}

/** Waits until so much of an upload is stored, as the page writes it. */
export async function stored(page: Page, amount: RegExp): Promise<void> {
  await page.find("[data-stored-text]", amount).seen();
}

/** Nothing was complained about, but for requests that were meant to fail. */
export async function assertQuiet({ browser }: Fixture, ...meant: RegExp[]): Promise<void> {
  const problems = await browser.problems();
  assertEquals(problems.filter((problem) => !meant.some((words) => words.test(problem))), []);
}

/** Nobody was asked but the page's own origin, and its server for nothing but files. */
export async function assertAlone({ page, url, asked }: OpenPlayground): Promise<void> {
  const { origin, pathname } = new URL(url);
  const foreign = (await page.requests()).filter((request) => new URL(request).origin !== origin);
  assertEquals(foreign, []);
  assert(asked.length > 0);
  const files = new RegExp(`^GET ${pathname}(?:[\\w-]+\\.(?:html|css|js|svg))?$`);
  assertEquals(asked.filter((request) => !files.test(request)), []);
}

/** A reply of this status, which was meant. */
export const REFUSED = (status: number): RegExp =>
  new RegExp(`responded with a status of ${status}`);

/** Requests whose connection was broken on purpose. */
export const BROKEN: RegExp = /Failed to load resource: net::ERR_/;
