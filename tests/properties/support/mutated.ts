// Texts that are almost right: valid ones with a few mistakes in them.

import fc from "fast-check";

const SPICE = [
  "",
  " ",
  "\t",
  "\0",
  "\r\n",
  "\n",
  '"',
  "\\",
  "-",
  "*",
  "/",
  "=",
  ",",
  ";",
  ".",
  "%",
  "0",
]
  .concat([
    "99999999999999999999",
    "-1",
    "1e3",
    "0x10",
    "NaN",
    "null",
    "{",
    "}",
    "[",
    "]",
    "é",
    "😀",
  ])
  .concat(["\ud800", "\u202e", "\ufeff", "__proto__", "constructor", "toString", "A".repeat(300)]);

/** A valid text, or one with up to four mistakes, or something else altogether. */
export function mutated(...valid: string[]): fc.Arbitrary<string> {
  const mistakes = fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 9999 }).map((part) => part / 9999), // doubles are rarely in the middle
      cut: fc.integer({ min: 0, max: 3 }),
      put: fc.constantFrom(...SPICE),
      twice: fc.boolean(),
    }),
    { maxLength: 4 },
  );
  const almost = fc.tuple(fc.constantFrom(...valid), mistakes).map(([text, all]) => {
    for (const { at, cut, put, twice } of all) {
      const place = Math.floor(at * (text.length + 1));
      const taken = text.slice(place, place + cut);
      text = text.slice(0, place) + put + (twice ? taken + taken : "") + text.slice(place + cut);
    }
    return text;
  });
  return fc.oneof({ weight: 4, arbitrary: almost }, fc.string(), fc.string({ unit: "binary" }));
}

/** As `mutated`, but what a header can hold. */
export function mutatedHeader(...valid: string[]): fc.Arbitrary<string> {
  return mutated(...valid).map((text) => text.replace(/[^\x20-\x7e\t]/g, "").trim());
}

/** JSON with keys and values that trip whoever trusts it. */
export function hostileJson(...keys: string[]): fc.Arbitrary<unknown> {
  const names = fc.constantFrom(...keys, "toString", "valueOf", "__proto__", "toJSON", "length");
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e308,
      2 ** 53,
      "",
      "a",
      "5",
      "AAAAAA==",
    ),
    fc.string(),
  );
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(names, tie("value")), { maxLength: 5 })
        .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries)))),
    ),
  })).value;
}

/** A valid object with some of its members replaced, removed or added. */
export function mutatedObject(
  valid: Readonly<Record<string, unknown>>,
): fc.Arbitrary<Record<string, unknown>> {
  const keys = Object.keys(valid);
  const change = fc.tuple(
    fc.constantFrom(...keys, "toString", "__proto__", "x"),
    fc.oneof(hostileJson(...keys), fc.constant(undefined)),
  );
  return fc.array(change, { maxLength: 3 }).map((all) => {
    const copy: Record<string, unknown> = { ...valid };
    for (const [key, value] of all) {
      if (value === undefined) delete copy[key];
      else Object.defineProperty(copy, key, { value, enumerable: true, configurable: true });
    }
    return copy;
  });
}
