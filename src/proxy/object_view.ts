/** What a client is shown of its object: what everybody may know, and what its grant opens. */

import { isOpen } from "./policy.ts";

/** What is shown. It is a part of a sealed session, so it is short. */
export interface ObjectView {
  /** The fields that the grant opens. */
  readonly fields: readonly string[];
  /** Keys of custom metadata that the grant sets itself, in small letters. */
  readonly hidden: readonly string[];
  /** The query parameter `fields`, if the client has sent one. */
  readonly asked: string | undefined;
}

/** Fields that say nothing of what a grant sets. */
const PLAIN = [
  "kind",
  "generation",
  "metageneration",
  "size",
  "etag",
  "storageClass",
  "timeCreated",
  "updated",
  "timeStorageClassUpdated",
  "timeFinalized",
];

/** The view of somebody for whom these fields are open. */
export function viewOf(
  fields: readonly string[],
  granted: Readonly<Record<string, unknown>>,
  asked: string | null,
): ObjectView {
  const hidden = Object.keys(granted.metadata ?? {}).map((key) => key.toLowerCase());
  // What the grant sets itself is its own, though the client may have sent the same.
  const own = fields.filter((field) =>
    field === "metadata" ||
    !(field in granted || hidden.includes(field.slice("metadata.".length).toLowerCase()))
  );
  return { fields: own, hidden, asked: asked ?? undefined };
}

/** The fields of an object that are shown. */
export function shown(
  resource: Readonly<Record<string, unknown>>,
  { fields, hidden, asked }: ObjectView,
): Record<string, unknown> {
  const custom = Object.entries(resource.metadata ?? {}).filter(([key]) =>
    isOpen(fields, `metadata.${key}`) && !hidden.includes(key.toLowerCase())
  );
  const selected = asked === undefined ? undefined : topFields(asked);
  const entries = Object.entries({
    ...resource,
    metadata: custom.length > 0 ? Object.fromEntries(custom) : undefined,
  }).filter(([field, value]) =>
    value !== undefined &&
    (PLAIN.includes(field) || field === "metadata" || isOpen(fields, field)) &&
    (!selected || selected.has(field))
  );
  return Object.fromEntries(entries);
}

/** The fields on top that a partial response has: `name,metadata/author,owner(entity)` has three. `*` has all. */
function topFields(asked: string): Set<string> | undefined {
  let depth = 0;
  const names = new Set<string>();
  let name = "";
  for (const character of `${asked},`) {
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (depth === 0 && character === ",") {
      names.add(name.trim().split("/", 1)[0]);
      name = "";
    } else if (depth === 0) name += character;
  }
  return names.has("*") ? undefined : names;
}
