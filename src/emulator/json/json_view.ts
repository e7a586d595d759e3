/**
 * How a client wants to see a JSON reply: `fields`, `projection`, `prettyPrint`.
 *
 * @module
 */

import { type FieldSelection, readFields, selectFields } from "./fields.ts";
import type { EmulatedObject, ObjectResource } from "../storage/object.ts";
import { invalidParameter, NO_CACHE, type Refusal, reply } from "../emulator_replies.ts";

/** What the query of a request says about its reply. */
export interface View {
  readonly selection: FieldSelection | null;
  readonly full: boolean;
  readonly pretty: boolean;
}

/** Reads the view from a query. */
export function readView(query: URLSearchParams): View | Refusal {
  const projection = query.get("projection") ?? "noAcl";
  if (projection !== "noAcl" && projection !== "full") {
    return invalidParameter("projection", `Invalid value for projection: ${projection}`);
  }
  const fields = query.get("fields");
  const selection = fields === null ? null : readFields(fields);
  if (fields !== null && selection === null) {
    return invalidParameter("fields", `Invalid field selection ${fields}`);
  }
  return { selection, full: projection === "full", pretty: query.get("prettyPrint") !== "false" };
}

/** A JSON reply, trimmed to what is wanted. */
export function viewReply(
  value: unknown,
  view: View,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = JSON.stringify(selectFields(value, view.selection), null, view.pretty ? 2 : 0);
  return reply(200, "application/json; charset=UTF-8", text, { ...NO_CACHE, ...headers });
}

/** The reply that describes an object. */
export function objectReply(object: EmulatedObject, view: View): Response {
  return viewReply(seen(object, view), view, { etag: object.resource.etag });
}

/** An object's resource, with its access control if that is wanted. */
export function seen(object: EmulatedObject, view: View): unknown {
  return view.full ? { ...object.resource, ...accessControl(object.resource) } : object.resource;
}

/** The emulator has no users: one project owns everything. */
function accessControl(resource: ObjectResource): Record<string, unknown> {
  const entity = "project-owners-000000000000";
  const { bucket, name, generation, etag } = resource;
  return {
    acl: [{
      kind: "storage#objectAccessControl",
      id: `${resource.id}/${entity}`,
      selfLink: `${resource.selfLink}/acl/${entity}`,
      bucket,
      object: name,
      generation,
      entity,
      role: "OWNER",
      etag,
    }],
    owner: { entity },
  };
}
