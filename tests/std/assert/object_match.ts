// Comparing an object with a part of it.

type Loose = Record<PropertyKey, unknown>;

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** The part of `actual` that `expected` speaks about, ready to be compared with it. */
export function pick(
  actual: unknown,
  expected: unknown,
  seen: Map<object, unknown> = new Map(),
): unknown {
  if (!isObject(actual) || !isObject(expected) || actual instanceof RegExp) return actual;
  const known = seen.get(actual);
  if (known !== undefined) return known;
  if (Array.isArray(actual) && Array.isArray(expected)) {
    const part: unknown[] = [];
    seen.set(actual, part);
    const length = Math.min(actual.length, expected.length);
    for (let i = 0; i < length; i++) part.push(pick(actual[i], expected[i], seen));
    return part;
  }
  if (actual instanceof Map && expected instanceof Map) {
    const common = [...actual].filter(([key]) => expected.has(key));
    return new Map(common.map(([key, value]) => [key, pick(value, expected.get(key), seen)]));
  }
  if (actual instanceof Set && expected instanceof Set) return actual.intersection(expected);
  const part: Loose = {};
  seen.set(actual, part);
  for (const key of Reflect.ownKeys(actual)) {
    if (!Object.hasOwn(expected, key)) continue;
    part[key] = pick(Reflect.get(actual, key), Reflect.get(expected, key), seen);
  }
  return part;
}
