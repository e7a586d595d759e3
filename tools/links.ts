import { read } from "./files.ts";

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
  for (const path of paths.filter((path) => path.endsWith(".md"))) {
    for (const link of linksOf(await read(path))) {
      const target = decodeURIComponent(new URL(link, `file:///${path}`).pathname);
      if (!known.has(target.replace(/^\/|\/$/g, ""))) broken.push(`${path} links to ${link}`);
    }
  }
  return broken;
}

/** The links of a markdown text to files: not to other sites, nor to places in itself. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^(```+|~~~+).*?^\1/gms, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(LINK)]
    .map((match) => match[1] ?? match[2] ?? match[3])
    .filter((link) => !/^(?:[a-z][a-z+.-]*:|\/\/|#)/i.test(link));
}
