// Deep equality, as the assertions of the standard library mean it.

const TypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => ArrayLike<unknown>;

/** Values whose text says everything about them. */
const TEXTUAL: readonly (abstract new (...args: never[]) => object)[] = [
  RegExp,
  URL,
  URLSearchParams,
];

/** Equality of single values: `NaN` is equal to itself, and `0` to `-0`. */
function sameValue(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function samePrototype(a: object, b: object): boolean {
  const plain = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;
  return plain(a) === plain(b);
}

/** The own keys that count: enumerable ones, and what an error says although it hides it. */
function keysOf(value: object): PropertyKey[] {
  const keys = Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
  if (value instanceof Error) keys.push("name", "message", "cause");
  return keys;
}

function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!sameValue(a[i], b[i])) return false;
  return true;
}

/**
 * Whether two values are the same in structure: same prototype, same keys (a key that holds
 * `undefined` is not a missing key), equal values. Maps and sets are compared without order.
 */
export function equal(a: unknown, b: unknown): boolean {
  const seen = new Map<object, object>();

  function sameMembers(a: Iterable<unknown>, b: Iterable<unknown>): boolean {
    const left = [...b];
    for (const member of a) {
      const index = left.findIndex((candidate) => compare(member, candidate));
      if (index < 0) return false;
      left.splice(index, 1);
    }
    return left.length === 0;
  }

  function compare(a: unknown, b: unknown): boolean {
    if (sameValue(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (!samePrototype(a, b)) return false;
    if (a instanceof Date && b instanceof Date) return sameValue(a.getTime(), b.getTime());
    if (TEXTUAL.some((type) => a instanceof type)) return String(a) === String(b);
    if (a instanceof TypedArray && b instanceof TypedArray) return sameItems(a, b);
    if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
      return sameItems(new Uint8Array(a), new Uint8Array(b));
    }
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
    }
    if (seen.get(a) === b) return true;
    seen.set(a, b);
    if (a instanceof Map && b instanceof Map) return sameMembers(a, b);
    if (a instanceof Set && b instanceof Set) return sameMembers(a, b);
    const keys = keysOf(a);
    return keys.length === keysOf(b).length &&
      keys.every((key) =>
        key in a === key in b && compare(Reflect.get(a, key), Reflect.get(b, key))
      );
  }

  return compare(a, b);
}
