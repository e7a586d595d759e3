/**
 * Stands in for `jsr:@std/assert` where JSR cannot be reached: the functions that our tests use, with
 * the standard library's names, signatures and meaning. Linked by deno.json, never published.
 *
 * @module
 */

import { AssertionError as NodeAssertionError } from "node:assert";
import { inspect } from "node:util";
import { AssertionError, sentence } from "./assertion_error.ts";
import { equal } from "./equal.ts";
import { pick } from "./object_match.ts";

export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export { assertIsError, assertRejects, assertThrows } from "./throws.ts";

/** A constructor of anything. */
// deno-lint-ignore no-explicit-any -- the parameters of a constructor are contravariant
export type AnyConstructor = abstract new (...args: any[]) => any;

/** What a constructor makes. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;

/** An array-like object that is not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** The values that can be false. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

const show = (value: unknown) => inspect(value, { depth: 8, maxArrayLength: 64 });

function diff(actual: unknown, expected: unknown): string {
  const { message } = new NodeAssertionError({ actual, expected, operator: "deepStrictEqual" });
  return message.slice(message.indexOf("\n") + 1);
}

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails unless `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Fails unless the two values are the same in structure. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `${sentence("Values are not equal", msg)}\n${diff(actual, expected)}`,
  );
}

/** Fails if the two values are the same in structure. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    sentence(`Expected actual: ${show(actual)} not to be: ${show(expected)}`, msg),
  );
}

/** Fails unless the two values are one, as `Object.is` says. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(
    equal(actual, expected)
      ? `${sentence("Values have the same structure but are not reference-equal", msg)}\n${
        show(actual)
      }`
      : `${sentence("Values are not strictly equal", msg)}\n${diff(actual, expected)}`,
  );
}

/** Fails if the two values are one, as `Object.is` says. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(
    sentence(`Expected "actual" to not be strictly equal to: ${show(actual)}`, msg),
  );
}

/** Fails if `actual` is `null` or `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    sentence(`Expected actual: "${actual}" to not be null or undefined`, msg),
  );
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(sentence(`Expect ${show(actual)} > ${show(expected)}`, msg));
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(sentence(`Expect ${show(actual)} >= ${show(expected)}`, msg));
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(sentence(`Expect ${show(actual)} < ${show(expected)}`, msg));
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(sentence(`Expect ${show(actual)} <= ${show(expected)}`, msg));
}

/** Fails unless the numbers are within `tolerance`: by default 1e-7 of `expected`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  if (delta <= tolerance) return;
  throw new AssertionError(
    sentence(
      `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${tolerance}"`,
      msg,
    ),
  );
}

/** Fails unless `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  const type = actual === null || typeof actual !== "object"
    ? actual === null ? "null" : typeof actual
    : actual.constructor?.name ?? "Object";
  throw new AssertionError(
    sentence(
      `Expected object to be an instance of "${expectedType.name}" but was "${type}"`,
      msg,
    ),
  );
}

/** Fails if `actual` is an instance of `unexpectedType`. */
export function assertNotInstanceOf<A, T>(
  actual: A,
  // deno-lint-ignore no-explicit-any -- the parameters of a constructor are contravariant
  unexpectedType: abstract new (...args: any[]) => T,
  msg?: string,
): asserts actual is Exclude<A, T> {
  assertFalse(
    actual instanceof unexpectedType,
    sentence(`Expected object to not be an instance of "${unexpectedType.name}"`, msg),
  );
}

/** Fails unless `actual` matches the expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(sentence(`Expected actual: "${actual}" to match: "${expected}"`, msg));
}

/** Fails if `actual` matches the expression. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(
    sentence(`Expected actual: "${actual}" to not match: "${expected}"`, msg),
  );
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    sentence(`Expected actual: "${actual}" to contain: "${expected}"`, msg),
  );
}

/** Fails unless every item of `expected` is somewhere in `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !items.some((other) => equal(item, other)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `${
      sentence(`Expected actual: "${show(actual)}" to include: "${show(expected)}"`, msg)
    }\nmissing: ${show(missing)}`,
  );
}

/** Fails unless `actual` has everything that `expected` has, deeply; it may have more. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as the standard library: an interface has no index signature
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pick(actual, expected), pick(expected, expected), msg);
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(sentence("Failed assertion", msg));
}

/** Fails: the code that calls it must never run. */
export function unreachable(reason?: string): never {
  throw new AssertionError(sentence("Unreachable", reason));
}
