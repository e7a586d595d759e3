import { read } from "./files.ts";

/** What says where a file was written rather than what it is for. */
const FORBIDDEN: readonly RegExp[] = [
  /(?<![\w.])\/(?:root|work|home\/\w+|Users\/\w+)\//, // somebody's folder
  /[A-Z]:\\+Users\\/, // somebody's folder
  /\bregistry\.(?:npmjs|yarnpkg|npmmirror)\b/, // npm's clients know it, and people have mirrors
  /\/\/[\w.-]*(?:artifactory|nexus|verdaccio)[\w.-]*/i, // somebody's mirror
];

const BINARY = /\.(?:png|jpe?g|gif|ico|bin|gz|wasm|woff2)$/;

/** Every forbidden word in the files, with its place. */
export async function forbiddenWords(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths.filter((path) => !BINARY.test(path))) {
    (await read(path)).split("\n").forEach((line, index) => {
      for (const word of wordsOf(line)) found.push(`${path}:${index + 1}: ${word}`);
    });
  }
  return found;
}

/** The forbidden words of one line. */
export function wordsOf(line: string): string[] {
  return FORBIDDEN.flatMap((word) => line.match(word)?.[0] ?? []);
}
