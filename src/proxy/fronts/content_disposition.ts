/** The name of a file in `Content-Disposition` (RFC 6266), as far as clients send it. */

/** The most characters: an object's name has 1024 bytes, and each may be written as three characters. */
const MAX_LENGTH = 4096;

/** The name; `undefined` where there is none that can be read. */
export function filenameOf(header: string | null): string | undefined {
  if (header === null || header.length > MAX_LENGTH) return undefined;
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
