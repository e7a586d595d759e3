/** Arguments of a command, read by the table of its options. */

import { parseArgs } from "node:util";
import { nearest, UsageError } from "./usage_error.ts";

/** An option of a command. */
export interface OptionSpec {
  /** A switch, or one that takes a value. */
  readonly type: "boolean" | "string";
  /** Its letter. */
  readonly short?: string;
  /** Whether it can be repeated. */
  readonly multiple?: boolean;
}

/** The options of a command, by their names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of these options. */
export type OptionValues<S extends OptionSpecs> = {
  readonly [Name in keyof S]?: S[Name]["type"] extends "boolean" ? true
    : S[Name]["multiple"] extends true ? readonly string[]
    : string;
};

/** What a command is given. */
export interface Arguments<S extends OptionSpecs> {
  readonly values: OptionValues<S>;
  readonly positionals: readonly string[];
}

/** Every command has these. */
const COMMON: OptionSpecs = { help: { type: "boolean", short: "h" } };

/** Reads arguments; throws a {@linkcode UsageError} for what no option is, with the nearest that is one. */
export function readArguments<S extends OptionSpecs>(
  args: readonly string[],
  own: S,
): Arguments<S & typeof COMMON> {
  const specs: OptionSpecs = { ...own, ...COMMON };
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, { ...spec }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (!spec) throw unknownOption(rawName, specs);
    if (spec.type === "boolean") {
      if (value !== undefined) throw new UsageError(`${rawName}: expected no value, got one`);
      values[name] = true;
      continue;
    }
    if (value === undefined || (!inlineValue && /^-./.test(value))) {
      throw new UsageError(
        `${rawName}: expected a value after it, got ${value === undefined ? "none" : "an option"}`,
      );
    }
    values[name] = spec.multiple ? [...(values[name] as string[] | undefined) ?? [], value] : value;
  }
  return { values: values as OptionValues<S & typeof COMMON>, positionals };
}

function unknownOption(rawName: string, specs: OptionSpecs): UsageError {
  const names = Object.entries(specs).flatMap(([name, { short }]) =>
    short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
  );
  const near = rawName.startsWith("--") ? nearest(rawName, names) : undefined;
  return new UsageError(
    `${rawName} is not an option${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

/** A whole number from `min` to `max`, out of an option. */
export function numberOf(
  text: string | undefined,
  name: string,
  [min, max]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name}: expected a whole number from ${min} to ${max}, got ${text}`);
}
