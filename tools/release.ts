/**
 * What has to agree when a version is released: the tag, deno.json and CHANGELOG.md.
 *
 * Usage: `deno run --allow-read tools/release.ts v1.2.3`
 *
 * @module
 */

import manifest from "../deno.json" with { type: "json" };
import { read } from "./files.ts";

/** What keeps the version from being released, a sentence each. Without a tag, all but the tag. */
export function obstacles(version: string, changelog: string, tag?: string): string[] {
  const found: string[] = [];
  if (tag !== undefined && tag !== `v${version}`) {
    found.push(`the tag is ${tag}, but the version in deno.json is ${version}`);
  }
  const heading = new RegExp(`^## \\[?${RegExp.escape(version)}\\]?(?:\\s|$)`, "m");
  if (!heading.test(changelog)) found.push(`CHANGELOG.md has no section "## ${version}"`);
  return found;
}

if (import.meta.main) {
  const [tag] = Deno.args;
  if (!tag) throw new TypeError("release needs a tag, like v1.2.3");
  const found = obstacles(manifest.version, await read("CHANGELOG.md"), tag);
  for (const obstacle of found) console.error(obstacle);
  if (found.length > 0) Deno.exit(1);
}
