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

/** What stands in a table where nothing was measured, or can be. */
export const UNKNOWN = "–";

/** A ratio with two decimals, of what may be unknown. */
export function ratioTo(value: number, other: number | undefined): string {
  return other === undefined ? UNKNOWN : ratio(value / other);
}

/** The largest of some numbers; `undefined` of none. */
export function largest(values: readonly number[]): number | undefined {
  return values.length > 0 ? Math.max(...values) : undefined;
}

/** The smallest of some numbers; `undefined` of none. */
export function smallest(values: readonly number[]): number | undefined {
  return values.length > 0 ? Math.min(...values) : undefined;
}

/** Rows of what was skipped, with what to install: as many cells as the table has columns. */
export function skippedRows(
  missing: Readonly<Record<string, string>> | undefined,
  columns: number,
): string[][] {
  return Object.entries(missing ?? {}).map(([name, needs]) => [
    `${name} (install ${needs})`,
    "skipped",
    ...Array<string>(columns - 2).fill(UNKNOWN),
  ]);
}

/** The row of what was not measured yet: as many cells as the table has columns. */
export function unmeasuredRow(name: string, columns: number): string[] {
  return [name, ...Array<string>(columns - 1).fill(UNKNOWN)];
}

/** Bytes of a power of two as people say them. */
export function sizeName(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${mib(bytes)} MiB`;
}
