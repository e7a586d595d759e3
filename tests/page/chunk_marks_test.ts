// Where the marks of chunks stand on the bar of an upload, and how many there may be.

import { assert, assertEquals } from "@std/assert";
import { marks, place } from "../../examples/page/chunk_marks.ts";

Deno.test("a mark is where a chunk ends, but not at the end", () => {
  assertEquals(marks(4, 1), [25, 50, 75]);
  assertEquals(marks(5, 2), [40, 80]);
  assertEquals(marks(1, 1), []);
  assertEquals(marks(0, 1), []);
});

Deno.test("there are never too many marks", () => {
  for (const chunks of [40, 41, 42, 100, 5_000_000]) {
    const places = marks(chunks, 1);
    assert(places.length > 10 && places.length <= 40, `${chunks}: ${places.length}`);
    assert(places.every((place) => place > 0 && place < 100));
  }
});

Deno.test("a place is a share of the bar, and never beyond it", () => {
  assertEquals(place(1, 3), "33.33%");
  assertEquals(place(5, 4), "100%");
  assertEquals(place(0, 0), "0%");
});
