/** The name of a file in `Content-Disposition` (RFC 6266), as far as clients send it. */

/** The name; `undefined` where there is none that can be read. */
export function filenameOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  const encoded = /;\s*filename\*\s*=\s*utf-8'[\w-]*'([\w!#$&+.^`|~%-]+)\s*(?:;|$)/i.exec(header);
  if (encoded) {
    try {
      return decodeURIComponent(encoded[1]);
    } catch {
      return undefined;
    }
  }
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+))\s*(?:;|$)/i
    .exec(header);
  return plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2];
}
