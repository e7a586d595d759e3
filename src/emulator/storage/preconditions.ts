/**
 * Conditions on the live object under which a request may go on.
 *
 * @module
 */

import {
  invalidParameter,
  NOT_MODIFIED,
  PRECONDITION_FAILED,
  type Refusal,
} from "../emulator_replies.ts";

/** The four conditions, each a number as sent; 0 stands for "no live object". */
export interface Preconditions {
  readonly generationMatch?: number;
  readonly generationNotMatch?: number;
  readonly metagenerationMatch?: number;
  readonly metagenerationNotMatch?: number;
}

type Names = readonly [keyof Preconditions, string][];

const QUERY_NAMES: Names = [
  ["generationMatch", "ifGenerationMatch"],
  ["generationNotMatch", "ifGenerationNotMatch"],
  ["metagenerationMatch", "ifMetagenerationMatch"],
  ["metagenerationNotMatch", "ifMetagenerationNotMatch"],
];

const HEADER_NAMES: Names = [
  ["generationMatch", "x-goog-if-generation-match"],
  ["generationNotMatch", "x-goog-if-generation-not-match"],
  ["metagenerationMatch", "x-goog-if-metageneration-match"],
  ["metagenerationNotMatch", "x-goog-if-metageneration-not-match"],
];

/** Reads the conditions of a JSON request from its query. */
export function queryPreconditions(query: URLSearchParams): Preconditions | Refusal {
  return read(query, QUERY_NAMES);
}

/** Reads the conditions of an XML request from its headers. */
export function headerPreconditions(headers: Headers): Preconditions | Refusal {
  return read(headers, HEADER_NAMES);
}

function read(from: { get(name: string): string | null }, names: Names): Preconditions | Refusal {
  const found: { -readonly [K in keyof Preconditions]: number } = {};
  for (const [key, name] of names) {
    const value = from.get(name);
    if (value === null) continue;
    if (!/^\d+$/.test(value)) return invalidParameter(name, `Invalid value for ${name}: ${value}`);
    found[key] = Number(value);
  }
  return found;
}

/** Whether an object that may be absent meets the conditions; what to answer if it does not. */
export function checkPreconditions(
  conditions: Preconditions,
  live: { readonly generation: number; readonly metageneration: number } | undefined,
): Refusal | null {
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } =
    conditions;
  const generation = live?.generation ?? 0;
  const metageneration = live?.metageneration ?? 0;
  if (generationMatch !== undefined && generationMatch !== generation) return PRECONDITION_FAILED;
  if (metagenerationMatch !== undefined && (!live || metagenerationMatch !== metageneration)) {
    return PRECONDITION_FAILED;
  }
  if (generationNotMatch !== undefined && generationNotMatch === generation) return NOT_MODIFIED;
  if (metagenerationNotMatch !== undefined && live && metagenerationNotMatch === metageneration) {
    return NOT_MODIFIED;
  }
  return null;
}
