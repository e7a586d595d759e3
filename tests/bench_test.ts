// The tables of docs/performance.md say what was measured, what has failed, what lacks its tool, and what is not measured yet.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type LineResult, LINES } from "../bench/line.ts";
import type { ManyResult } from "../bench/many.ts";
import type { ParallelResult } from "../bench/parallel.ts";
import type { ProxyCostResult } from "../bench/proxy_cost.ts";
import { summary } from "../bench/summary.ts";
import { BENCHES } from "../bench/support/benches.ts";
import type { UploadResult } from "../bench/upload.ts";

const figures = (speed: number) => ({ speed: speed * 1e6, cpu: 1, rss: 0 });
const both = { ours: figures(100), bare: figures(150) };

const upload: UploadResult = {
  size: 2 ** 30,
  rounds: 1,
  runtimes: { node: both, deno: both, bun: both },
  peers: { curl: figures(200), go: figures(50), python: figures(80) },
  missing: { java: "`mvn` and a JDK" },
};

const line: LineResult = {
  size: 2 ** 28,
  rounds: 1,
  missing: upload.missing!,
  lines: [
    {
      ...LINES[0],
      clients: {
        "Node, a file": figures(90),
        "curl, one PUT": figures(100),
        "Go's client, 16 MiB chunks": figures(45),
      },
    },
    {
      ...LINES[2],
      clients: {
        "Node, a file": figures(60),
        "Go's client, 16 MiB chunks": figures(20),
        "Python's client, 100 MiB chunks": null,
      },
    },
  ],
};

/** The rows of a table, by the first cell. */
function rowsOf(markdown: string): Record<string, string[]> {
  const lines = markdown.split("\n").filter((line) => line.startsWith("|"));
  const cells = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return Object.fromEntries(cells.map(([name, ...rest]) => [name, rest]));
}

Deno.test("the main table has each client on each way, with the ratios to the best peer and to the limit", () => {
  const rows = rowsOf(summary({ upload, line }));
  assertEquals(rows["**Node, ours**"], [
    "100 · 1.25 · 0.50",
    "90 · 2.00 · 0.90",
    "–", // this line was not measured
    "60 · 3.00 · 0.60", // the limit is that of the same line without faults
  ]);
  assertEquals(rows["**Deno, ours**"], ["100 · 1.25 · 0.50", "–", "–", "–"]);
  assertEquals(rows["Python's client, 100 MiB chunks"], ["80 · 1.00 · 0.40", "–", "–", "failed"]);
});

Deno.test("a client whose tool is missing is skipped and says what to install; one that was not measured is not skipped", () => {
  const rows = rowsOf(summary({ upload, line }));
  const skipped = Object.entries(rows).filter(([, cells]) => cells.includes("skipped"));
  assertEquals(skipped.map(([name]) => name), [
    "Java's client, 15 MiB chunks (install `mvn` and a JDK)",
  ]);
  assertEquals(rows["rclone, 16 MiB chunks, MD5"], ["–", "–", "–", "–"]);
  for (const [name, result] of Object.entries({ upload, line })) {
    const table = BENCHES[name].render(result);
    assertStringIncludes(table, "(install `mvn` and a JDK)");
    assertEquals(table.match(/^.*skipped.*$/gm)?.length, 1, name);
  }
});

Deno.test("the main table is there when nothing, or only a part, is measured", () => {
  for (const benches of [{}, { upload }, { line }]) {
    const rows = rowsOf(summary(benches));
    assertEquals(rows["**Node, ours**"].length, 1 + LINES.length);
    assert(Object.values(rows).flat().every((cell) => cell !== "" && !/NaN|undefined/.test(cell)));
  }
});

Deno.test("over many connections each client is set beside the best peer and the limit, in the document", () => {
  const eight = (one: number, last: number) =>
    [1, 2, 4, 8].map((concurrency) => ({
      concurrency,
      speed: (concurrency === 8 ? last : one) * 1e6,
      rss: 0,
    }));
  const clients = { "Node, a file": eight(50, 120), "`other`": eight(50, 60) };
  const result: ParallelResult = {
    ...{ size: 2 ** 30, lineSize: 2 ** 28, rounds: 1, line: LINES[1] },
    places: { loopback: clients, line: clients },
    missing: { "`python's`": "`python3`" },
  };
  const [, near, far] = BENCHES.parallel.render(result, { upload }).split(
    /To the same machine:|over a line/,
  );
  assertEquals(rowsOf(near)["Node, a file"].slice(4), ["2.40", "2.00", "0.60", "0"]);
  assertEquals(rowsOf(far)["Node, a file"].slice(4), ["2.40", "2.00", "0.50", "0"]); // 8 times 30 MB/s
  assertEquals(rowsOf(near)["`python's` (install `python3`)"][0], "skipped");
  assertStringIncludes(BENCHES.parallel.render(result), "–"); // without the other benchmark
});

Deno.test("over many connections Google's client for Java has a row: measured, not measured yet, or skipped with what to install", () => {
  const java = "`TransferManager` of Google's for Java";
  const eight = [1, 2, 4, 8].map((concurrency) => ({ concurrency, speed: 40e6, rss: 2 ** 20 }));
  const rowOf = (client: object, missing: Record<string, string>, name = java) => {
    const clients = { "Node, a file": eight, ...client };
    const result: ParallelResult = {
      ...{ size: 2 ** 30, lineSize: 2 ** 28, rounds: 1, line: LINES[1] },
      places: { loopback: clients, line: clients },
      missing,
    };
    const places = BENCHES.parallel.render(result).split(/To the same machine:|over a line/);
    const [near, far] = places.slice(1).map((table) => rowsOf(table)[name]);
    assertEquals(near.length, far.length);
    return near;
  };
  const measured = rowOf({ [java]: eight }, {});
  assertEquals(measured, [...Array(4).fill("40"), "1.00", "1.00", "–", "1"]);
  assertEquals(rowOf({}, {}), Array(8).fill("–"));
  const skipped = rowOf({}, { [java]: "`mvn` and a JDK" }, `${java} (install \`mvn\` and a JDK)`);
  assertEquals(skipped, ["skipped", ...Array(7).fill("–")]);
});

Deno.test("many files are set beside the best peer and the limit, and the proxy beside the cheapest server of tus", () => {
  const way = (filesPerSecond: number) => ({ filesPerSecond, cpu: 1, rss: 0 });
  const many: ManyResult = {
    ...{ files: 1, size: 1024, delay: 20, rounds: 1 },
    rows: {
      "Node, ours, 8 at once": { near: way(300), far: way(90) },
      "`slow`": { near: way(50), far: way(10) },
      "`fast`": { near: way(100), far: way(30) },
    },
  };
  const limit = "limit: bare requests, 32 at once";
  const unmeasured = rowsOf(BENCHES.many.render(many));
  assertEquals(unmeasured["Node, ours, 8 at once"], [
    ...["300", "3.00", "–", "1", "0"],
    ...["90", "3.00", "–", "1", "0"],
  ]);
  assertEquals(unmeasured[limit], Array(10).fill("–"));
  const rows = { ...many.rows, [limit]: { near: way(600), far: way(100) } };
  const measured = rowsOf(BENCHES.many.render({ ...many, rows }));
  assertEquals(measured["Node, ours, 8 at once"], [
    ...["300", "3.00", "0.50", "1", "0"],
    ...["90", "3.00", "0.90", "1", "0"],
  ]);
  assertEquals(measured[limit], [
    ...["600", "6.00", "1.00", "1", "0"],
    ...["100", "3.33", "1.00", "1", "0"],
  ]);
  const cost = (seconds: number) => ({
    large: seconds,
    small: seconds,
    starts: seconds,
    slowRss: 0,
  });
  const proxyCost: ProxyCostResult = {
    ...{ rounds: 1, starts: 4000 },
    servers: {
      "Deno, pass-through": cost(1),
      "Deno, proxy": cost(2),
      "Deno, proxy, tus": cost(3),
      "`@tus/server` in Node, file store": cost(6),
    },
    missing: { "tusd in Go, file store": "`go`" },
  };
  const text = BENCHES.proxy_cost.render(proxyCost);
  assertStringIncludes(text, "Deno 0.50, 0.50 and 0.50");
  assertEquals(rowsOf(text)["tusd in Go, file store (install `go`)"][0], "skipped");
});
