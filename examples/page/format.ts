/** Numbers and names as people read them. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** A number of bytes: `0 bytes`, `812 kB`, `12.6 MB`, `250 MB`. Powers of 1000, as file managers write them. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (unit < UNITS.length - 1 && value >= (unit === 0 ? 1000 : 999.5)) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return count === 1 ? "1 byte" : `${count} bytes`;
  return `${value.toFixed(unit > 1 && value < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
}

/** A speed in bytes per second. */
export function speed(bytesPerSecond: number): string {
  return `${bytes(Math.round(bytesPerSecond))}/s`;
}

/** A time to wait, rounded to what is worth saying: `8 s`, `4 min`, `1 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** A part of a whole in percent, rounded down, so that 100 means all of it. Nothing of nothing is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.floor((100 * part) / whole) : 0;
}

/** A name as it can be shown: what is not seen, or turns the text around, is marked. `a\u202Egpj.exe` would look like `aexe.jpg`. */
export function shownName(name: string): string {
  return name.replace(/[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, "\uFFFD");
}

/** Media types in words: `images, PDF and ZIP files`. */
export function typesInWords(types: readonly string[]): string {
  const words = types.map((type) => WORDS[type] ?? type);
  const last = words.pop();
  return words.length === 0 ? last ?? "" : `${words.join(", ")} and ${last}`;
}

const WORDS: Readonly<Record<string, string>> = {
  "image/*": "images",
  "video/*": "video",
  "audio/*": "audio",
  "text/*": "text",
  "application/pdf": "PDF",
  "application/zip": "ZIP",
  "application/gzip": "gzip",
  "application/json": "JSON",
  "application/octet-stream": "plain data",
};
