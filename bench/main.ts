/**
 * `deno task bench [NAME…]`: the benchmarks, each in a process of its own; all of them without a name. Two programs
 * alternate in each run, so look at the ratios: the machine is never quiet.
 *
 * @module
 */

const BENCHES: Record<string, string> = {
  crc32c: "crc32c_all.ts",
  memory: "memory.ts",
  proxy: "proxy.ts",
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`usage: deno task bench [${Object.keys(BENCHES).join("] [")}]`);
  Deno.exit(2);
}
let code = 0;
for (const name of names) {
  console.log(`\n${name}\n`);
  const file = new URL(BENCHES[name], import.meta.url).href;
  const bench = new Deno.Command(Deno.execPath(), { args: ["run", "--allow-all", file] }).spawn();
  code ||= (await bench.status).code;
}
Deno.exit(code);
