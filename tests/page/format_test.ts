// Numbers, waits, names and media types as people read them.

import { assertEquals } from "@std/assert";
import {
  bytes,
  duration,
  percent,
  shownName,
  speed,
  typesInWords,
} from "../../examples/page/format.ts";

Deno.test("bytes have the unit that keeps them short", () => {
  const cases: [number, string][] = [
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [12_600_000, "12.6 MB"],
    [99_949_999, "99.9 MB"],
    [99_950_000, "100 MB"],
    [250_000_000, "250 MB"],
    [3_200_000_000, "3.2 GB"],
    [5_497_558_138_880, "5.5 TB"],
    [5e16, "50000 TB"],
  ];
  for (const [count, text] of cases) assertEquals(bytes(count), text);
  assertEquals(speed(1_234_567.8), "1.2 MB/s");
});

Deno.test("a wait is said as exactly as is worth while", () => {
  const cases: [number, string][] = [
    [0, "1 s"],
    [8.4, "8 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [240, "4 min"],
    [3600, "1 h"],
    [4800, "1 h 20 min"],
  ];
  for (const [seconds, text] of cases) assertEquals(duration(seconds), text);
});

Deno.test("100 % means all of it", () => {
  assertEquals(percent(999_999, 1_000_000), 99);
  assertEquals(percent(5, 5), 100);
  assertEquals(percent(0, 0), 0);
});

Deno.test("media types have words, and those without stay as they are", () => {
  assertEquals(typesInWords(["image/*"]), "images");
  assertEquals(
    typesInWords(["image/*", "application/pdf", "font/woff2"]),
    "images, PDF and font/woff2",
  );
});

Deno.test("a name cannot hide its end: what turns the direction of text around is marked, and letters of all scripts stay", () => {
  assertEquals(shownName("a\u202Egpj.exe"), "a\uFFFDgpj.exe");
  assertEquals(shownName("a\u0000b\nc\u2067.txt"), "a\uFFFDb\uFFFDc\uFFFD.txt");
  for (const name of ["תמונה 2024.pdf", "صورة.jpg", "写真.png", "naïve – 👩‍👩‍👧.txt"]) {
    assertEquals(shownName(name), name);
  }
});
