/** The files of the page, the bundled script among them, with the headers that make them safe and cheap to fetch. */

import { bundleUppy, type UppyBundle } from "./uppy/install.ts";

/** A file that is served. */
interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The page may load its own script, style and icon, and talk to its own server; nothing else, and nothing inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:", // the pictures in Uppy's styles
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache", // ask each time; the ETag makes that cheap
};

const HERE = new URL("./", import.meta.url);

const TEXT = { script: "text/javascript; charset=UTF-8", style: "text/css; charset=UTF-8" };

/**
 * Reads and bundles the files of the page; returns what answers requests for them, `undefined` for other paths. `uppy` is
 * called when somebody wants Uppy; where it cannot be had, the answer is a 503 that says why.
 */
export async function loadAssets(
  uppy: () => Promise<UppyBundle> = bundleUppy,
): Promise<(request: Request) => Promise<Response | undefined>> {
  const [page, style, icon, script] = await Promise.all([
    asset("text/html; charset=UTF-8", Deno.readFile(new URL("index.html", HERE))),
    asset(TEXT.style, Deno.readFile(new URL("style.css", HERE))),
    asset("image/svg+xml", Deno.readFile(new URL("icon.svg", HERE))),
    asset(TEXT.script, bundle()),
  ]);
  const assets = new Map([
    ["/", page],
    ["/style.css", style],
    ["/icon.svg", icon],
    ["/app.js", script],
  ]);
  const theirs = loadOnce(uppy);
  return async (request) => {
    const { pathname } = new URL(request.url);
    const found = assets.get(pathname);
    if (found) return answer(request, found);
    if (pathname !== "/uppy.js" && pathname !== "/uppy.css") return undefined;
    try {
      const { script, style } = await theirs();
      return answer(request, pathname === "/uppy.js" ? script : style);
    } catch (error) {
      return new Response((error as Error).message, { status: 503, headers: HEADERS });
    }
  };
}

/** Uppy as files, made when it is first asked for; what failed is tried again. */
function loadOnce(load: () => Promise<UppyBundle>): () => Promise<{ script: Asset; style: Asset }> {
  let loading: Promise<{ script: Asset; style: Asset }> | undefined;
  return async () => {
    loading ??= load().then(async ({ script, style }) => ({
      script: await asset(TEXT.script, Promise.resolve(script)),
      style: await asset(TEXT.style, Promise.resolve(style)),
    }));
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
}

/** `deno bundle` of app.ts: the page's own modules and this library, in one file. */
async function bundle(): Promise<Uint8Array<ArrayBuffer>> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", "examples/page/app.ts"],
    cwd: new URL("../../", HERE),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  if (success) return stdout;
  throw new Error(`The page's script cannot be bundled:\n${new TextDecoder().decode(stderr)}`);
}

async function asset(type: string, content: Promise<Uint8Array<ArrayBuffer>>): Promise<Asset> {
  const bytes = await content;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { type, bytes, etag: `"${digest.toHex().slice(0, 32)}"` };
}

function answer(request: Request, { type, etag, bytes }: Asset): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const headers = { ...HEADERS, etag };
  const known = request.headers.get("if-none-match")?.split(",").map((tag) =>
    tag.trim().replace(/^W\//, "")
  );
  if (known?.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : bytes, {
    headers: { ...headers, "content-type": type },
  });
}
