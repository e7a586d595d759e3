/** Files for those who have none at hand. */

/** A file of so many bytes, which look random and are the same each time. */
export function generatedFile(size: number): File {
  const pieces: BlobPart[] = [];
  const piece = new Uint32Array(262_144); // 1 MiB
  let state = 1;
  for (let left = size; left > 0; left -= piece.byteLength) {
    for (let at = 0; at < piece.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      piece[at] = state;
    }
    // A Blob, so that the next piece can use the same memory.
    pieces.push(new Blob([piece]).slice(0, Math.min(left, piece.byteLength)));
  }
  const name = `generated-${size / 1_048_576}-MiB.bin`;
  return new File(pieces, name, { type: "application/octet-stream", lastModified: 0 });
}
