// The code that the page shows: what runs is the same text without its types.

import { assertEquals, assertMatch } from "@std/assert";
import { addressOf, codeOf, readJob, RUN, SHOWN } from "../../examples/playground/code.ts";
import { BASE, JOBS } from "./jobs.ts";

/** Takes the types out of the code that is shown. */
function withoutTypes(code: string): string {
  return code
    .replace(/^import type .*\n/m, "")
    .replace(/\ntype Options = .*\n/, "")
    .replace(/\ninterface Options {[^]*?\n}\n/, "")
    .replaceAll(/: (?:Blob|File|Options|Promise<\w+>)(?=[,) ])/g, "")
    .replaceAll("<void>", "");
}

Deno.test("the code that runs is the code that is shown, without its types", () => {
  for (const job of JOBS) {
    const shown = codeOf(job, { ...SHOWN, specifier: RUN.specifier });
    assertEquals(codeOf(job, RUN), withoutTypes(shown));
  }
});

Deno.test("the address of a module says all of a job, and nothing else makes one", () => {
  for (const { base, ...job } of JOBS) {
    assertEquals(readJob(base, new URL(addressOf(job), base).searchParams), { base, ...job });
  }
  const good = new URLSearchParams(addressOf(JOBS[0]).split("?")[1]);
  const wrong = {
    way: "mail",
    source: "",
    chunk: "100",
    checksum: "md4",
    retry: "perhaps",
    name: "",
  };
  for (const [name, value] of Object.entries(wrong)) {
    const query = new URLSearchParams(good);
    query.set(name, value);
    assertEquals(readJob(BASE, query), undefined, name);
  }
});

Deno.test("a name is a text in the code, whatever is in it", () => {
  const name = 'uploads/`${alert(1)}"\n</script>';
  const code = codeOf({ ...JOBS[0], name }, SHOWN);
  assertEquals(code.split(JSON.stringify(name)).length, 3); // the name and the key
  assertMatch(code, /ticket\?name=uploads%2F%60%24%7Balert\(1\)%7D%22%0A%3C%2Fscript%3E"/);
});
