// What a terminal shows of a run: its rate, which is that of what the run itself has sent over the last seconds, and colours only where
// they are wanted.

import { assertEquals, assertMatch } from "@std/assert";
import { Rate } from "../../src/cli/rate.ts";
import { TextReport } from "../../src/cli/text_report.ts";

Deno.test("a rate is what was sent over the last seconds, and unknown at the beginning", () => {
  let now = 0;
  const rate = new Rate(() => now);
  assertEquals(rate.value, undefined);
  for (now = 1000; now <= 20_000; now += 1000) rate.add(1e6 * now / 1000);
  assertEquals(rate.value, 1e6);
  for (; now <= 40_000; now += 1000) rate.add(20e6 + 3e6 * (now / 1000 - 20));
  assertEquals(rate.value, 3e6);
});

Deno.test("a bar has colours, unless NO_COLOR says that nobody wants them", () => {
  for (const [env, colours] of [[{}, true], [{ NO_COLOR: "1" }, false]] as const) {
    let shown = "";
    const output = { isTTY: true, columns: 100, rows: 24, write: (text: string) => shown += text };
    const report = new TextReport(
      { stdout: output, stderr: output, env },
      { quiet: false, now: () => 0 },
    );
    report.progress({
      files: { uploaded: 0, skipped: 0, failed: 0, active: 1 },
      bytes: { sent: 5, persisted: 0, resumedFrom: 0 },
      inFlight: [{ name: "a", sent: 5, persisted: 0, total: 10 }],
    }, { files: 1, bytes: 10, isWhole: true });
    assertMatch(shown, /█/);
    // deno-lint-ignore no-control-regex
    assertEquals(/\x1b\[[0-9;]*m/.test(shown), colours);
  }
});

Deno.test("a terminal shows the rate of this run, not of what an earlier one has sent", () => {
  let now = 0;
  let shown = "";
  const output = { isTTY: true, columns: 100, rows: 24, write: (text: string) => shown = text };
  const report = new TextReport(
    { stdout: output, stderr: output, env: {} },
    { quiet: false, now: () => now },
  );
  const MiB = 1024 * 1024;
  const [resumedFrom, total] = [900 * MiB, 1000 * MiB];
  const sent = resumedFrom + 4 * MiB;
  now = 2000;
  report.progress({
    files: { uploaded: 0, skipped: 0, failed: 0, active: 1 },
    bytes: { sent, persisted: resumedFrom, resumedFrom },
    inFlight: [{ name: "big", sent, persisted: resumedFrom, total }],
  }, { files: 1, bytes: total, isWhole: true });
  assertMatch(shown, /\b2(?:\.0)? MiB\/s, 48s left/); // 4 MiB in 2 s, and 96 MiB to go
});
