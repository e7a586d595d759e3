/** The little XML that Cloud Storage's XML API and its kind answer with: elements and text, no document types. */

/** An element, its name without a prefix. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The text directly in it. */
  readonly text: string;
}

/** Deeper than any reply is: what goes deeper is none. */
const DEEPEST = 32;

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};

/** Declarations, comments, character data, tags, and text, one after the other. */
const TOKEN =
  /<\?[^]*?\?>|<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s<>=/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;

interface Open {
  readonly tag: string;
  readonly children: XmlElement[];
  text: string;
}

/** The root element of a document; `undefined` for what is none, or is cut short. */
export function parseXml(document: string): XmlElement | undefined {
  const outside: Open = { tag: "", children: [], text: "" };
  const stack: Open[] = [outside];
  const close = ({ tag, children, text }: Open) => {
    const name = tag.slice(tag.indexOf(":") + 1);
    stack[stack.length - 1].children.push({ name, children, text });
  };
  const text = document.replace(/^\uFEFF/, "");
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) return undefined;
    const [, data, end, start, , empty, words] = match;
    const inner = stack[stack.length - 1];
    if (data !== undefined) inner.text += data;
    else if (words !== undefined) inner.text += words.replace(/&(#?\w+);/g, entity);
    else if (end !== undefined) {
      if (inner.tag !== end || stack.length === 1) return undefined;
      close(stack.pop()!);
    } else if (start !== undefined) {
      const open = { tag: start, children: [], text: "" };
      if (empty) close(open);
      else if (stack.push(open) > DEEPEST) return undefined;
    }
  }
  const isWhole = stack.length === 1 && outside.children.length === 1 && outside.text.trim() === "";
  return isWhole ? outside.children[0] : undefined;
}

function entity(whole: string, name: string): string {
  if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
  const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** The text of the first child of that name; `undefined` where there is none. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

/** A text as it stands in an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
