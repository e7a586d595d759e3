/** What clients may say in two places, and the JSON in which they say it. */

import { isRecord } from "./grant.ts";
import { badRequest } from "./http_error.ts";

/** The value that two places agree on. */
export function same<T>(what: string, first: T | undefined, second: T | undefined): T | undefined {
  if (first !== undefined && second !== undefined && first !== second) {
    throw badRequest(`The ${what} is given twice, and differently`);
  }
  return first ?? second;
}

/** The text that two places agree on, of which the second is JSON. */
export function agreed(
  what: string,
  first: string | null | undefined,
  second: unknown,
): string | undefined {
  if (second !== undefined && typeof second !== "string") {
    throw badRequest(`The ${what} must be a string`);
  }
  return same(what, first ?? undefined, second);
}

/** The fields of a JSON object; none of an empty text. */
export function parseFields(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw badRequest("The metadata is not JSON", "parseError");
  }
  if (!isRecord(value)) throw badRequest("The metadata is not a JSON object", "parseError");
  return value;
}
