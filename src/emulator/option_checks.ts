/**
 * Checks of what a test hands in.
 *
 * @module
 */

/**
 * Refuses properties that mean nothing: a misspelt one would make a test pass for the wrong reason.
 *
 * @throws {TypeError} if there is another property than those of `names`.
 */
export function onlyKnown(what: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${what} has no ${JSON.stringify(unknown)}; it has ${names.join(", ")}`);
}

/** @throws {RangeError} if a number is given and is not an integer in the range. */
export function inRange(
  name: string,
  value: number | undefined,
  min: number,
  max: number = 2 ** 53,
): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`);
}

/** @throws {TypeError} if a text is given and is none of `allowed`. */
export function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value as string)) return;
  const listed = allowed.map((text) => JSON.stringify(text)).join(" or ");
  throw new TypeError(`${name} must be ${listed}, not ${JSON.stringify(value)}`);
}
