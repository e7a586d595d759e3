/**
 * Builds the playground, and serves it where that is wished.
 *
 * ```sh
 * deno task playground [FOLDER] [--serve[=PORT]]
 * ```
 *
 * @module
 */

import { buildPlayground } from "./bundle.ts";
import { staticFiles } from "./static_server.ts";

const USAGE = "usage: deno task playground [FOLDER] [--serve[=PORT]]";

const flags = Deno.args.filter((arg) => arg.startsWith("-"));
const [folder = "dist/playground", ...more] = Deno.args.filter((arg) => !arg.startsWith("-"));
if (flags.includes("--help") || flags.includes("-h")) {
  console.log(USAGE);
  Deno.exit(0);
}
const serve = flags.map((flag) => /^--serve(?:=(\d{1,5}))?$/.exec(flag));
if (more.length > 0 || serve.length > 1 || serve.includes(null)) {
  console.error(USAGE);
  Deno.exit(2);
}
const { files, withoutTus } = await buildPlayground(folder);
console.log(`${files.length} files in ${folder}: any web server can serve them, at any path.`);
if (withoutTus !== undefined) {
  console.log(`Without tus-js-client, which cannot be had from npm: ${withoutTus}`);
}
for (const match of serve) {
  const port = Number(match?.[1] ?? 8000);
  const onListen = ({ port }: { port: number }) =>
    console.log(`Playground:  http://127.0.0.1:${port}/`);
  try {
    Deno.serve({ port, hostname: "127.0.0.1", onListen }, staticFiles(folder));
  } catch (error) {
    console.error(`It cannot be served at port ${port}: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
