/** Serves the files of a folder below a path, and nothing else: what any web server does. */

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=UTF-8",
  css: "text/css; charset=UTF-8",
  js: "text/javascript; charset=UTF-8",
  svg: "image/svg+xml",
};

/** A handler for `Deno.serve`. `path` begins and ends with a slash. */
export function staticFiles(folder: string, path = "/"): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    const { pathname } = new URL(url);
    const name = pathname.slice(path.length) || "index.html";
    const type = TYPES[name.split(".").at(-1)!];
    const isThere = pathname.startsWith(path) && type !== undefined && /^[\w-]+\.\w+$/.test(name);
    if (method !== "GET" || !isThere) return new Response(null, { status: 404 });
    try {
      const bytes = await Deno.readFile(`${folder}/${name}`);
      return new Response(bytes, {
        headers: { "content-type": type, "cache-control": "no-cache" },
      });
    } catch {
      return new Response(null, { status: 404 });
    }
  };
}
