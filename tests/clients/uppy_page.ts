// Uppy's dashboard in Chromium, in a page of another origin than the proxy's, and what a person does with it.

import { bundleUppy, type UppyBundle } from "../../examples/page/uppy/install.ts";
import { type Browser, type Page, startBrowser } from "../page/remote.ts";

/** The versions that are tried, as examples/page/uppy/deno.json names them. */
export const UPPY = "@uppy/core 6.3.1 with @uppy/tus 6.0.0 and @uppy/dashboard 6.0.3";

/** A file to drop. */
export interface Dropped {
  readonly name: string;
  readonly size: number;
}

/** The dashboard. */
export interface DashboardPage {
  readonly page: Page;
  /** Puts the dashboard on the page, with options of @uppy/tus. */
  begin(
    proxy: string,
    bucket: string,
    ticket: string,
    options?: Record<string, unknown>,
  ): Promise<void>;
  /** Changes options of @uppy/tus. */
  set(options: Record<string, unknown>): Promise<void>;
  drop(...files: Dropped[]): Promise<void>;
  /** Presses the button below the files that has this name. */
  press(name: string): Promise<void>;
  /** Waits until Uppy has said so much of its files, and gives what it said. */
  said(count: number): Promise<readonly string[]>;
}

let bundle: Promise<UppyBundle> | undefined;

/** Serves the page while `use` runs. */
export async function withUppyPage<T>(use: (origin: string) => Promise<T>): Promise<T> {
  const { script, style } = await (bundle ??= bundleUppy(new URL("uppy/page.js", import.meta.url)));
  const html = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>" +
    '<link rel=stylesheet href=style.css><div id=uppy></div><script type=module src="page.js"></script>';
  const files: Record<string, [type: string, content: BodyInit]> = {
    "/": ["text/html", html],
    "/page.js": ["text/javascript; charset=utf-8", script],
    "/style.css": ["text/css; charset=utf-8", style],
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    const [type, content] = files[new URL(url).pathname] ?? ["text/plain", "none"];
    return new Response(content, { headers: { "content-type": type } });
  });
  try {
    return await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Starts one browser for all tests of a file, and returns what opens the page in it, with an empty profile each time. */
export function useOneBrowser(): (
  origin: string,
  use: (dashboard: DashboardPage) => Promise<void>,
) => Promise<void> {
  let browser: Browser;
  Deno.test.beforeAll(async () => void (browser = await startBrowser()));
  Deno.test.afterAll(async () => await browser[Symbol.asyncDispose]());
  return async (origin, use) => {
    await using visitor = await browser.visitor({ viewport: { width: 1000, height: 800 } });
    await use(dashboardOf(await visitor.open(origin)));
  };
}

/** What can be done with the dashboard of a page. */
function dashboardOf(page: Page): DashboardPage {
  const call = <R>(name: string, job: unknown) =>
    page.call<R>("evaluate", `${name}(${JSON.stringify(job)})`);
  return {
    page,
    begin: (proxy, bucket, ticket, options = {}) =>
      call("begin", { proxy, bucket, ticket, options }),
    set: (options) => call("set", options),
    drop: (...files) => call("drop", files),
    press: (name) => page.find(`.uppy-StatusBar [aria-label="${name}"]`).click(),
    async said(count) {
      await page.call("waitForFunction", `said.length >= ${count}`);
      return await page.call<string[]>("evaluate", "said.toSorted()");
    },
  };
}
