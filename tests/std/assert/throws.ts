// Assertions about errors that are thrown, or that a promise rejects with.

import { AssertionError, sentence } from "./assertion_error.ts";

/** A class of errors. */
// deno-lint-ignore no-explicit-any -- the parameters of a constructor are contravariant
export type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** Fails unless `error` is an `Error`, of that class, with a message that has that text. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(sentence('Expected "error" to be an Error object', msg));
  }
  if (errorClass && !(error instanceof errorClass)) {
    throw new AssertionError(
      sentence(
        `Expected error to be instance of "${errorClass.name}", but was "${error.constructor.name}"`,
        msg,
      ),
      { cause: error },
    );
  }
  const matches = msgMatches instanceof RegExp
    ? msgMatches.test(error.message)
    : error.message.includes(msgMatches ?? "");
  if (!matches) {
    const text = msgMatches instanceof RegExp ? String(msgMatches) : JSON.stringify(msgMatches);
    throw new AssertionError(
      sentence(
        `Expected error message to include ${text}, but got ${JSON.stringify(error.message)}`,
        msg,
      ),
      { cause: error },
    );
  }
}

/** The two ways to call `assertThrows` and `assertRejects`, read into one. */
interface Expectation<E extends Error> {
  errorClass?: ErrorClass<E> | undefined;
  msgIncludes?: string | undefined;
  msg?: string | undefined;
}

function read<E extends Error>(
  classOrMsg: ErrorClass<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation<E> {
  return typeof classOrMsg === "string"
    ? { msg: classOrMsg }
    : { errorClass: classOrMsg, msgIncludes, msg };
}

function check<E extends Error>(error: unknown, how: string, expected: Expectation<E>): unknown {
  if (!expected.errorClass) return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(sentence(`A non-Error object was ${how}`, expected.msg));
  }
  assertIsError(error, expected.errorClass, expected.msgIncludes, expected.msg);
  return error;
}

/** Fails unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless `fn` throws that kind of error with that text in its message; returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const expected = read(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    return check(error, "thrown", expected);
  }
  throw new AssertionError(sentence("Expected function to throw", expected.msg));
}

/** Fails unless the promise of `fn` rejects; resolves to the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Fails unless the promise of `fn` rejects with that kind of error; resolves to the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = read(classOrMsg, msgIncludes, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
    if (typeof promise?.then !== "function") throw new TypeError("not a promise");
  } catch (cause) {
    throw new AssertionError(sentence("Function throws when expected to reject", expected.msg), {
      cause,
    });
  }
  try {
    await promise;
  } catch (error) {
    return check(error, "rejected", expected);
  }
  throw new AssertionError(sentence("Expected function to reject", expected.msg));
}
