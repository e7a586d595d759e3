/**
 * Partial responses: the `fields` parameter.
 *
 * @module
 */

/** Which properties are wanted; `null` stands for all that is below. */
export interface FieldSelection {
  readonly [name: string]: FieldSelection | null;
}

/** Reads `a,b/c,metadata(x,y)`; `null` if it cannot be parsed. */
export function readFields(text: string): FieldSelection | null {
  const tokens = text.match(/[(),/]|[^(),/]+/g) ?? [];
  let at = 0;

  function list(): FieldSelection | null {
    let selection: FieldSelection = {};
    while (true) {
      const item = one();
      if (!item) return null;
      selection = merge(selection, item);
      if (tokens[at] !== ",") return selection;
      at++;
    }
  }

  function one(): FieldSelection | null {
    const name = tokens[at++]?.trim();
    if (!name || /^[(),/]$/.test(name)) return null;
    if (tokens[at] === "/") {
      at++;
      const below = one();
      return below && { [name]: below };
    }
    if (tokens[at] !== "(") return { [name]: null };
    at++;
    const below = list();
    return below && tokens[at++] === ")" ? { [name]: below } : null;
  }

  const selection = list();
  return at === tokens.length ? selection : null;
}

/** What is selected of a JSON value, in the value's own order. */
export function selectFields(value: unknown, selection: FieldSelection | null): unknown {
  if (selection === null || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => selectFields(item, selection));
  const selected: [string, unknown][] = [];
  for (const [name, below] of Object.entries(value)) {
    const key = Object.hasOwn(selection, name) ? name : "*";
    if (Object.hasOwn(selection, key)) selected.push([name, selectFields(below, selection[key])]);
  }
  return Object.fromEntries(selected);
}

function merge(a: FieldSelection, b: FieldSelection): FieldSelection {
  const merged: Record<string, FieldSelection | null> = { ...a };
  for (const [name, below] of Object.entries(b)) {
    const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
    merged[name] = before === undefined ? below : before && below && merge(before, below);
  }
  return merged;
}
