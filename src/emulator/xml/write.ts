/**
 * Writes XML as Cloud Storage does.
 *
 * @module
 */

/** The namespace of multipart uploads, which is that of S3. */
export const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A child of an element: its name, and its text or its own children. */
export type XmlChild = readonly [name: string, content: string | number | readonly XmlChild[]];

/** A document in {@linkcode NAMESPACE}. */
export function document(root: string, children: readonly XmlChild[]): string {
  return `<?xml version='1.0' encoding='UTF-8'?><${root} xmlns='${NAMESPACE}'>` +
    `${children.map(written).join("")}</${root}>`;
}

function written([name, content]: XmlChild): string {
  const inner = typeof content === "object"
    ? content.map(written).join("")
    : escapeXml(String(content));
  return inner === "" ? `<${name}/>` : `<${name}>${inner}</${name}>`;
}

/** Text as it is written between tags, also with characters that XML would change or forbid. */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>\r]/g,
    (c) => c === "&" ? "&amp;" : c === "<" ? "&lt;" : c === ">" ? "&gt;" : "&#13;",
  );
}
