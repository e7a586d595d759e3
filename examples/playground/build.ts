/**
 * Builds the playground, and serves it where that is wished.
 *
 * ```sh
 * deno task playground [FOLDER] [--serve]
 * ```
 *
 * @module
 */

import { buildPlayground } from "./bundle.ts";
import { staticFiles } from "./static_server.ts";

const USAGE = "usage: deno task playground [FOLDER] [--serve]";

const flags = Deno.args.filter((arg) => arg.startsWith("-"));
const [folder = "dist/playground", ...more] = Deno.args.filter((arg) => !arg.startsWith("-"));
if (flags.includes("--help") || flags.includes("-h")) {
  console.log(USAGE);
  Deno.exit(0);
}
if (more.length > 0 || flags.some((flag) => flag !== "--serve")) {
  console.error(USAGE);
  Deno.exit(2);
}
const { files, withoutTus } = await buildPlayground(folder);
console.log(`${files.length} files in ${folder}: any web server can serve them, at any path.`);
if (withoutTus !== undefined) {
  console.log(`Without tus-js-client, which cannot be had from npm: ${withoutTus}`);
}
if (flags.includes("--serve")) {
  Deno.serve({
    port: 8000,
    hostname: "127.0.0.1",
    onListen: ({ port }) => console.log(`Playground:  http://127.0.0.1:${port}/`),
  }, staticFiles(folder));
}
