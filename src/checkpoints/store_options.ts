/** Options of stores. */

/** No option that nobody knows. */
export function checkNames(options: object, names: readonly string[], what: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${what}: expected options as an object, got ${options === null ? "null" : typeof options}`,
    );
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${what}: "${unknown}" is not an option; there are ${names.join(", ")}`);
}
