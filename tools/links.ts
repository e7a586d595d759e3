import { read } from "./files.ts";
import { withoutCode } from "./markdown.ts";

/** Links and images of markdown, and `src` and `href` of HTML in it; not code. */
const LINK =
  /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\s*\[[^\]]+\]:\s*(\S+)|(?:src|href)="([^"]+)"/gm;

/** The links of the markdown files to files that do not exist, a sentence each. */
export async function brokenLinks(paths: readonly string[]): Promise<string[]> {
  const known = new Set(paths);
  for (const path of paths) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      known.add(path.slice(0, end));
    }
  }
  const broken: string[] = [];
  const documents = paths.filter((path) => path.endsWith(".md"));
  const texts = new Map(
    await Promise.all(documents.map(async (path) => [path, await read(path)] as const)),
  );
  for (const [path, text] of texts) {
    for (const link of linksOf(text)) {
      const { pathname, hash } = new URL(link, `file:///${path}`);
      const target = decodeURIComponent(pathname).replace(/^\/|\/$/g, "");
      const headings = texts.get(target);
      const isThere = known.has(target) &&
        (hash === "" || headings === undefined || headingsOf(headings).has(hash.slice(1)));
      if (!isThere) broken.push(`${path} links to ${link}`);
    }
  }
  return broken;
}

/** The places of a markdown text that links lead to: its headings, as GitHub writes them. */
export function headingsOf(markdown: string): Set<string> {
  const prose = withoutCode(markdown);
  const seen = new Map<string, number>();
  return new Set([...prose.matchAll(/^#+ +(.*)$/gm)].map(([, heading]) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return encodeURIComponent(count === 0 ? slug : `${slug}-${count}`);
  }));
}

/** The links of a markdown text to files: not to other sites, nor to places in itself. */
export function linksOf(markdown: string): string[] {
  const prose = withoutCode(markdown).replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(LINK)]
    .map((match) => match[1] ?? match[2] ?? match[3])
    .filter((link) => !/^(?:[a-z][a-z+.-]*:|\/\/|#)/i.test(link));
}
