import { deepStrictEqual } from "node:assert/strict";
export function assertEquals<T>(actual: T, expected: T, msg?: string): void { deepStrictEqual(actual, expected, msg); }
