// Assertions for every runtime: browsers and workerd have no node:assert.

/** A failed assertion. */
export class PortableAssertionError extends Error {
  /** The name that reports show. */
  override readonly name = "AssertionError";
}

/** Fails unless the condition holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new PortableAssertionError(message);
}

/** Fails unless two values are the same JSON; bytes count as arrays of numbers. */
export function assertEquals(actual: unknown, expected: unknown, message = "not equal"): void {
  const [a, b] = [actual, expected].map(write);
  if (a !== b) throw new PortableAssertionError(`${message}: expected ${b}, got ${a}`);
}

/** Fails unless the promise rejects with an instance of the class; resolves to the reason. */
export async function assertRejects<E extends Error>(
  promise: PromiseLike<unknown>,
  errorClass: abstract new (...args: never[]) => E,
): Promise<E> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof errorClass) return error;
    throw new PortableAssertionError(`expected ${errorClass.name}, was rejected with ${error}`, {
      cause: error,
    });
  }
  throw new PortableAssertionError(
    `expected ${errorClass.name}, was fulfilled with ${write(value)}`,
  );
}

/** A text that is the same for the same values, whatever the order of keys. */
function write(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item === "bigint" || item === undefined || Number.isNaN(item)) return `<${item}>`;
    if (ArrayBuffer.isView(item)) {
      return [...new Uint8Array(item.buffer, item.byteOffset, item.byteLength)];
    }
    if (item === null || typeof item !== "object" || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1));
  });
}
