/**
 * Serves an example's page: its `index.html`, its `page.ts` as one script, and what else the example answers.
 *
 * @module
 */

/** A page that is served. */
export interface ServedPage {
  /** Such as `http://127.0.0.1:8000`. */
  readonly origin: string;
  /** Stops listening. */
  close(): Promise<void>;
}

/** What a page is made of. */
export interface PageOptions {
  /** The folder of `index.html` and `page.ts`. */
  readonly folder: URL;
  /** The port of 127.0.0.1; 0 takes any that is free. */
  readonly port: number;
  /** Answers everything but the page and its script. */
  readonly answer: (request: Request) => Response | Promise<Response>;
}

/** Bundles a page and serves it. */
export async function servePage({ folder, port, answer }: PageOptions): Promise<ServedPage> {
  const page = await Deno.readFile(new URL("index.html", folder));
  const script = await bundle(new URL("page.ts", folder));
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return reply("text/html; charset=UTF-8", page);
    if (pathname === "/page.js") return reply("text/javascript; charset=UTF-8", script);
    return answer(request);
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    close: () => server.shutdown(),
  };
}

function reply(type: string, bytes: Uint8Array<ArrayBuffer>): Response {
  return new Response(bytes, { headers: { "content-type": type, "cache-control": "no-cache" } });
}

/** `deno bundle`: the page's own modules and this library, in one file. */
async function bundle(entry: URL): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", entry.href],
    cwd: new URL("../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return stdout;
  throw new Error(`The page's script cannot be bundled:\n${new TextDecoder().decode(stderr)}`);
}
