// The portable suite itself finds what it should: a failed case, a runtime that did not run, a name that is there twice.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PortableCase } from "./case.ts";
import { count, describe, type Outcome } from "./main.ts";
import { runtimes } from "../support/runtimes.ts";
import { cases, run } from "./suite.ts";

const context = { origin: "http://127.0.0.1:1", runtime: "here" };

Deno.test("a case that throws or rejects is a failure, and the cases after it still run", async () => {
  const suite: PortableCase[] = [
    { name: "throws", run: () => assertEquals(1, 2) },
    { name: "rejects", run: () => Promise.reject("in words") },
    { name: "holds", run() {} },
  ];
  const { runtime, passed, failed, failures } = await run(context, suite);
  assertEquals({ runtime, passed, failed }, { runtime: "here", passed: 1, failed: 2 });
  assertEquals(failures.map(({ name }) => name), ["throws", "rejects"]);
  assertStringIncludes(failures[0].message, "not equal");
  assertStringIncludes(failures[1].message, "in words");
});

Deno.test("only the cases that were asked for run", async () => {
  const suite = ["a", "b"].map((name) => ({ name, run() {} }));
  assertEquals((await run({ ...context, only: "b" }, suite)).passed, 1);
});

Deno.test("no two cases of the suite have the same name", () => {
  assertEquals(new Set(cases.map(({ name }) => name)).size, cases.length);
});

Deno.test("the suite is for Deno, Node, Bun, workerd and a browser", () => {
  assertEquals(runtimes.map(({ name }) => name), ["deno", "node", "bun", "workerd", "chromium"]);
});

const outcome = (runtime: string, passed: number, failed = 0, elsewhere = 0): Outcome => ({
  runtime,
  report: {
    runtime,
    version: "1.0",
    passed,
    failed,
    elsewhere,
    failures: Array.from({ length: failed }, () => ({ name: "the rule", message: "broken" })),
    milliseconds: 5,
  },
});
const lost: Outcome = { runtime: "lost", report: new Error("no such program") };

Deno.test("a case that needs what a runtime lacks does not run there, and is counted", async () => {
  const suite: PortableCase[] = [
    { name: "anywhere", run() {} },
    { name: "in a page", needs: "XMLHttpRequest", run: () => assertEquals(1, 2) },
  ];
  const { passed, failed, elsewhere } = await run(context, suite);
  assertEquals({ passed, failed, elsewhere }, { passed: 1, failed: 0, elsewhere: 1 });
  assertEquals(count([outcome("a", 3), outcome("b", 1, 0, 2)]), { passed: 4, failed: 0 });
});

Deno.test("a runtime that did not run, or ran fewer cases than another, is a failure", () => {
  assertEquals(count([outcome("a", 3), outcome("b", 2, 1)]), { passed: 5, failed: 1 });
  assertEquals(count([outcome("a", 3), lost]), { passed: 3, failed: 1 });
  assertEquals(count([outcome("a", 3), outcome("b", 1)]), { passed: 4, failed: 2 });
});

Deno.test("nothing that ran is a failure, too", () => {
  assertEquals(count([]), { passed: 0, failed: 1 });
  assertEquals(count([outcome("a", 0)]), { passed: 0, failed: 1 });
});

Deno.test("the table has a line a runtime, and what went wrong below", () => {
  const lines = describe([outcome("a", 2, 1), lost]).split("\n");
  assertMatch(lines[1], /^a +1\.0 +2 +1 +5 ms$/);
  assertMatch(lines[2], /^lost +did not run/);
  assertEquals(lines.slice(3), ["a: the rule", "    broken", "lost did not run: no such program"]);
});
