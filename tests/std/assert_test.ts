// The semantics of @std/assert that our tests lean on. With the published package in place of the
// stand-in, this file must pass unchanged.

import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";

/** Runs an assertion that has to fail. Written by hand: assertThrows is itself under test. */
function failing(what: string, assertion: () => unknown): void {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return;
    throw error;
  }
  throw new Error(`did not fail: ${what}`);
}

async function failingAsync(what: string, assertion: () => Promise<unknown>): Promise<void> {
  const error = await assertion().then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof AssertionError)) throw new Error(`did not fail as an assertion: ${what}`);
}

const cycle = (name: string) => {
  const value: { name: string; self?: unknown } = { name };
  value.self = value;
  return value;
};

const equals: Record<string, [unknown, unknown]> = {
  "NaN": [NaN, NaN],
  "the two zeros": [0, -0],
  "objects whatever the order of keys": [{ a: 1, b: [2] }, { b: [2], a: 1 }],
  "an object without a prototype": [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  "bytes": [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  "buffers": [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
  "maps without order": [
    new Map([["a", { n: 1 }], ["b", { n: 2 }]]),
    new Map([["b", { n: 2 }], ["a", { n: 1 }]]),
  ],
  "sets of objects": [new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
  "dates": [new Date(5), new Date(5)],
  "URLs": [new URL("https://a.example/b"), new URL("https://a.example/b")],
  "cycles": [cycle("a"), cycle("a")],
};

const unequal: Record<string, [unknown, unknown]> = {
  "a missing key and one that holds undefined": [{}, { a: undefined }],
  "two keys that hold undefined": [{ a: undefined }, { b: undefined }],
  "a number and its text": [1, "1"],
  "null and undefined": [null, undefined],
  "bytes that differ": [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  "bytes of another length": [new Uint8Array([1]), new Uint8Array([1, 0])],
  "typed arrays of another type": [new Uint8Array([1]), new Int8Array([1])],
  "buffers that differ": [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  "maps with another value": [new Map([["a", 1]]), new Map([["a", 2]])],
  "sets with another member": [new Set([1]), new Set([2])],
  "errors with another message": [new Error("a"), new Error("b")],
  "errors of another class": [new TypeError("a"), new RangeError("a")],
  "dates that differ": [new Date(5), new Date(6)],
  "an array and an object": [[], {}],
  "cycles that differ": [cycle("a"), cycle("b")],
};

for (const [name, [a, b]] of Object.entries(equals)) {
  Deno.test(`assertEquals: equal are ${name}`, () => {
    assertEquals(a, b);
    failing("assertNotEquals", () => assertNotEquals(a, b));
  });
}

for (const [name, [a, b]] of Object.entries(unequal)) {
  Deno.test(`assertEquals: not equal are ${name}`, () => {
    assertNotEquals(a, b);
    failing("assertEquals", () => assertEquals(a, b));
  });
}

Deno.test("assertEquals says what was expected, and the caller's words", () => {
  const { message } = assertThrows(() => assertEquals({ a: 1 }, { a: 2 }, "the reply"), Error);
  for (const part of ["the reply", "1", "2"]) assertStringIncludes(message, part);
});

Deno.test("assertStrictEquals tells an object from its copy, and the two zeros apart", () => {
  const value = { a: 1 };
  assertStrictEquals(value, value);
  failing("a copy", () => assertStrictEquals({ ...value }, value));
  failing("zeros", () => assertStrictEquals(0, -0));
});

Deno.test("assert, assertFalse and assertExists look at truth and at presence", () => {
  assert(1);
  assertFalse("");
  assertExists(0);
  failing("assert", () => assert(0));
  failing("assertFalse", () => assertFalse("x"));
  failing("assertExists of null", () => assertExists(null));
  failing("assertExists of undefined", () => assertExists(undefined));
});

Deno.test("the comparisons include their bounds only when their name says so", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(1, 1);
  assertLess(1, 2);
  assertLessOrEqual(1, 1);
  failing("greater", () => assertGreater(1, 1));
  failing("greater or equal", () => assertGreaterOrEqual(0, 1));
  failing("less", () => assertLess(1, 1));
  failing("less or equal", () => assertLessOrEqual(2, 1));
});

Deno.test("assertAlmostEquals takes a tolerance, by default a ten millionth of what is expected", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.5, 0.5);
  failing("default", () => assertAlmostEquals(1.001, 1));
  failing("tolerance", () => assertAlmostEquals(1, 1.5, 0.4));
  failing("NaN", () => assertAlmostEquals(NaN, 1));
});

Deno.test("assertInstanceOf takes subclasses", () => {
  assertInstanceOf(new TypeError(), Error);
  failing("another class", () => assertInstanceOf(new TypeError(), RangeError));
  failing("null", () => assertInstanceOf(null, Error));
});

Deno.test("assertMatch, assertStringIncludes and assertArrayIncludes look inside", () => {
  assertMatch("bytes 0-4/5", /^bytes \d/);
  assertStringIncludes("bytes 0-4/5", "0-4");
  assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }]);
  failing("match", () => assertMatch("bytes", /\d/));
  failing("includes", () => assertStringIncludes("bytes", "5"));
  failing("items", () => assertArrayIncludes([{ a: 1 }], [{ a: 2 }]));
});

Deno.test("assertObjectMatch ignores what the expectation does not name, at every depth", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 }, e: [1, { f: 4, g: 5 }] }, {
    b: { d: 3 },
    e: [1, { g: 5 }],
  });
  failing("value", () => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }));
  failing("missing key", () => assertObjectMatch({ a: {} }, { a: { b: 1 } }));
  failing("nothing in common", () => assertObjectMatch({ a: 1 }, { b: 1 }));
  failing("shorter array", () => assertObjectMatch({ a: [1] }, { a: [1, 2] }));
});

Deno.test("assertThrows returns the error, and checks class and text", () => {
  const error = new TypeError("size must be positive");
  const thrower = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(thrower), error);
  assertStrictEquals(assertThrows(thrower, "in words"), error);
  assertStrictEquals(assertThrows(thrower, TypeError, "positive"), error);
  failing("does not throw", () => assertThrows(() => 1));
  failing("another class", () => assertThrows(thrower, RangeError));
  failing("another text", () => assertThrows(thrower, TypeError, "negative"));
  failing("not an error", () =>
    assertThrows(() => {
      throw "text";
    }, Error));
});

Deno.test("assertRejects returns the reason, and checks class and text", async () => {
  const error = new TypeError("size must be positive");
  const rejecter = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(rejecter), error);
  assertStrictEquals(await assertRejects(rejecter, "in words"), error);
  assertStrictEquals(await assertRejects(rejecter, TypeError, "positive"), error);
  await failingAsync("resolves", () => assertRejects(() => Promise.resolve()));
  await failingAsync("another class", () => assertRejects(rejecter, RangeError));
  await failingAsync("another text", () => assertRejects(rejecter, TypeError, "negative"));
  await failingAsync("throws before there is a promise", () =>
    assertRejects(() => {
      throw error;
    }));
});

Deno.test("fail and unreachable fail", () => {
  failing("fail", () => fail("why"));
  failing("unreachable", () => unreachable());
});
