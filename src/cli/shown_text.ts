/** Values as people read them. */

import stringWidth from "string-width";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A number of bytes, to three digits. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A time in seconds, as `4s`, `3m20s`, `2h05m`, `3d04h`. */
export function timeText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(whole % 3600 / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${two(whole % 86_400 / 3600)}h`;
}

/** A number of things, with their name. */
export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** A text whose characters a terminal only shows: what would move, colour or end a line is escaped. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (found) => {
      const code = found.charCodeAt(0);
      if (found === "\n") return "\\n";
      if (found === "\t") return "\\t";
      return code < 256
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`;
    },
  );
}

/** A text in so many columns: cut in its middle where it is longer, so that the end of a name is seen, filled up where it is shorter. */
export function fitted(text: string, columns: number): string {
  const width = stringWidth(text);
  if (width <= columns) return text + " ".repeat(columns - width);
  if (columns < 3) return ".".repeat(columns);
  const parts = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const head = Math.floor((columns - 1) / 3);
  const start = taken(parts, head);
  const end = taken(parts.toReversed(), columns - 1 - stringWidth(start.join("")));
  const cut = `${start.join("")}…${end.toReversed().join("")}`;
  return cut + " ".repeat(Math.max(0, columns - stringWidth(cut)));
}

/** The first characters that fit. */
function taken(parts: readonly string[], columns: number): string[] {
  const fitting: string[] = [];
  let width = 0;
  for (const part of parts) {
    width += stringWidth(part);
    if (width > columns) break;
    fitting.push(part);
  }
  return fitting;
}
