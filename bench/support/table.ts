/** Tables and numbers for people. */

/** A table in Markdown; the first column is text, the others are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i].length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(
        " | ",
      )
    } |`;
  const rule = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Bytes a second as MB/s (10^6 bytes), without decimals. */
export function mbps(bytesPerSecond: number): string {
  return (bytesPerSecond / 1e6).toFixed(0);
}

/** Bytes as MiB, without decimals. */
export function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}

/** A ratio with two decimals. */
export function ratio(value: number): string {
  return value.toFixed(2);
}

/** Bytes of a power of two as people say them. */
export function sizeName(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${mib(bytes)} MiB`;
}
