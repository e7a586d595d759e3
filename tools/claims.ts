/**
 * Claims without a proof, in documents.
 *
 * The rule for those that promise something: every paragraph, every item of a list and every row of a table has
 * - a link to a file below `tests/`, or to what measures, below `bench/` or `tools/`, or
 * - a link to documentation of the one who made what it speaks of, or to a specification ({@linkcode AUTHORITIES}), or
 * - one of the marks `_observed_` and `_measured_` (in a table of the same page).
 *
 * A list or a table is also held by the paragraph right before it, if that has one. Headings, code, what a program writes (between
 * comments) and paragraphs that end with a colon claim nothing. What only advises or defines says so by a comment before it:
 * `<!-- no claim -->`.
 *
 * The rule for all others: a section that claims something has one of these. A page that fits a screen is one section.
 *
 * @module
 */

import { read, repositoryFiles } from "./files.ts";
import { withoutCode } from "./markdown.ts";

/** Documents of which every sentence is to be held. */
export const CLAIMING: readonly string[] = [
  "docs/security.md",
  "docs/protocol.md",
  "docs/performance.md",
];

/** Documents that say how something is used, or how this repository works, and promise nothing that the code might not do. */
const OTHERWISE_HELD =
  /^docs\/(?:README|architecture|comparison|development|recipes\/README|reference\/.*)\.md$/;

/** A page of fewer lines fits a screen. */
const SCREEN = 80;

/** Whose documentation counts. */
const AUTHORITIES = [
  /^https:\/\/(?:cloud|developers|firebase)\.google\.com\//,
  /^https:\/\/(?:www\.rfc-editor\.org|datatracker\.ietf\.org|fetch\.spec\.whatwg\.org|tus\.io|openid\.net)\//,
];

const EVIDENCE = /^(?:\.\.\/)+(?:tests|bench|tools)\/./;
const MARK = /_(?:observed|measured)_/i;
const NO_CLAIM = "<!-- no claim -->";

/** A part of a document that may claim something. */
export interface Block {
  readonly line: number;
  readonly kind: "paragraph" | "item" | "row";
  readonly text: string;
}

/** The parts of a document without proof, a line each. */
export async function unprovenClaims(paths: readonly string[] = CLAIMING): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    for (const { line, text } of unproven(await read(path))) {
      found.push(`${path}:${line}: no test and no source: ${text.slice(0, 80)}`);
    }
  }
  return found;
}

/** The sections that claim something without any proof, in all other documents, a line each. */
export async function unprovenSections(): Promise<string[]> {
  const paths = (await repositoryFiles()).filter((path) =>
    /^docs\/.*\.md$/.test(path) && !CLAIMING.includes(path) && !OTHERWISE_HELD.test(path)
  );
  const found: string[] = [];
  for (const path of paths) {
    for (const { line, heading } of sectionsWithoutProof(await read(path))) {
      found.push(`${path}:${line}: no test and no source below: ${heading}`);
    }
  }
  return found;
}

/**
 * The headings below which something is claimed and nothing proven. What a page says before its first section only introduces it;
 * a page that fits a screen is one section.
 */
export function sectionsWithoutProof(markdown: string): { line: number; heading: string }[] {
  const lines = markdown.split("\n");
  const mark = lines.length < SCREEN ? /^# / : /^##+ /;
  const prose = withoutCode(markdown).split("\n");
  const starts = prose.flatMap((text, at) => mark.test(text) ? [at] : []);
  return starts.filter((start, i) => {
    const section = lines.slice(start, starts[i + 1]).join("\n");
    return unproven(section).length > 0 && !isProven(section);
  }).map((start) => ({ line: start + 1, heading: lines[start] }));
}

/** The parts of a text without proof. */
export function unproven(markdown: string): Block[] {
  const found: Block[] = [];
  let introduction: "proven" | "exempt" | undefined; // what the part before says of a list or a table
  for (const part of partsOf(markdown)) {
    if (part.text === NO_CLAIM) {
      introduction = "exempt";
      continue;
    }
    const blocks = blocksOf(part);
    const [{ kind }] = blocks;
    if (kind === "paragraph") {
      const proven = isProven(part.text);
      const claims = introduction !== "exempt" && !part.text.endsWith(":");
      if (claims && !proven) found.push(...blocks);
      introduction = proven ? "proven" : undefined;
      continue;
    }
    if (introduction === undefined) found.push(...blocks.filter(({ text }) => !isProven(text)));
    introduction = undefined;
  }
  return found;
}

/** Whether a text has a link to a test or to a source, or a mark. */
function isProven(text: string): boolean {
  if (MARK.test(text)) return true;
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].some(([, link]) =>
    EVIDENCE.test(link) || AUTHORITIES.some((authority) => authority.test(link))
  );
}

interface Part {
  readonly line: number;
  readonly text: string;
}

/** What stands between blank lines: without headings, code, and what programs write. */
function partsOf(markdown: string): Part[] {
  const blank = (text: string) => text.replaceAll(/[^\n]/g, "");
  const prose = withoutCode(markdown)
    .replaceAll(/^<!-- (?:bench: .*?|hostile requests: begin) -->.*?^<!-- .*?end -->/gms, blank)
    .replaceAll(/^(?:#|!\[).*/gm, blank);
  const parts: Part[] = [];
  for (const match of prose.matchAll(/(?:^.+$\n?)+/gm)) {
    const line = prose.slice(0, match.index).split("\n").length;
    parts.push({ line, text: match[0].trimEnd() });
  }
  return parts;
}

/** The paragraph, the items of a list, or the rows of a table. */
function blocksOf({ line, text }: Part): Block[] {
  const isTable = text.startsWith("|");
  if (!isTable && !/^(?:[-*]|\d+\.) /.test(text)) return [{ line, kind: "paragraph", text }];
  const pieces = isTable ? text.split("\n") : text.split(/\n(?=(?:[-*]|\d+\.) )/);
  const blocks: Block[] = [];
  let at = line;
  for (const [index, piece] of pieces.entries()) {
    const isHead = isTable && index < 2;
    if (!isHead) blocks.push({ line: at, kind: isTable ? "row" : "item", text: piece });
    at += piece.split("\n").length;
  }
  return blocks;
}
