/** The files of the page, the bundled script among them, with the headers that make them safe and cheap to fetch. */

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
  "img-src 'self'",
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

/** Reads and bundles the files of the page; returns what answers requests for them, `undefined` for other paths. */
export async function loadAssets(): Promise<(request: Request) => Response | undefined> {
  const [page, style, icon, script] = await Promise.all([
    asset("text/html; charset=UTF-8", Deno.readFile(new URL("index.html", HERE))),
    asset("text/css; charset=UTF-8", Deno.readFile(new URL("style.css", HERE))),
    asset("image/svg+xml", Deno.readFile(new URL("icon.svg", HERE))),
    asset("text/javascript; charset=UTF-8", bundle()),
  ]);
  const assets = new Map([
    ["/", page],
    ["/style.css", style],
    ["/icon.svg", icon],
    ["/app.js", script],
  ]);
  return (request) => {
    const found = assets.get(new URL(request.url).pathname);
    return found && answer(request, found);
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
