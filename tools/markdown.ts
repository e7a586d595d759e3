// Markdown, as far as the checks of documents look at it.

/** The text with its blocks of code empty: every line stays where it is. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^(```+|~~~+).*?^\1/gms, (code) => code.replaceAll(/[^\n]/g, ""));
}
