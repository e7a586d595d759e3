/**
 * Reads the `Content-Range` of a request on a session.
 *
 * @module
 */

/** What a request on a session says about its body. */
export type ContentRange =
  // bytes */*: where does the session stand?
  | { readonly form: "status" }
  // bytes */N: finish if exactly N bytes are stored, else as above.
  | { readonly form: "total"; readonly total: number }
  // bytes a-b/N, bytes a-b/*
  | {
    readonly form: "closed";
    readonly first: number;
    readonly last: number;
    readonly total: number | null;
  }
  // bytes a-*/N, bytes a-*/*, and the absent header: the end of the body ends the object.
  | { readonly form: "open"; readonly first: number; readonly total: number | null };

const GRAMMAR = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/;

/**
 * Reads a `Content-Range` header; `null` stands for one that cannot be parsed.
 *
 * An absent header means that the body is the whole object.
 */
export function readContentRange(header: string | null): ContentRange | null {
  if (header === null) return { form: "open", first: 0, total: null };
  const match = GRAMMAR.exec(header);
  if (!match) return null;
  const total = match[3] === "*" ? null : Number(match[3]);
  if (total !== null && !Number.isSafeInteger(total)) return null;
  if (match[1] === undefined) return total === null ? { form: "status" } : { form: "total", total };
  const first = Number(match[1]);
  if (!Number.isSafeInteger(first)) return null;
  if (match[2] === "*") {
    return total !== null && first > total ? null : { form: "open", first, total };
  }
  const last = Number(match[2]);
  if (!Number.isSafeInteger(last) || last < first || (total !== null && last >= total)) return null;
  return { form: "closed", first, last, total };
}

/** Whether the end of this request's body is the end of the object. */
export function endsObject(range: ContentRange): boolean {
  return range.form === "open" || (range.form === "closed" && range.last + 1 === range.total);
}

/** How many bytes the body must have, or `null` if the header leaves it open. */
export function announcedLength(range: ContentRange): number | null {
  switch (range.form) {
    case "closed":
      return range.last - range.first + 1;
    case "open":
      return range.total === null ? null : range.total - range.first;
    default:
      return 0;
  }
}
