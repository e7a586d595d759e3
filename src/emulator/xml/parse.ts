/**
 * Reads XML: elements, namespaces, text. Small and strict.
 *
 * It takes what clients send in the body of a request, and refuses everything that could be read in two ways: document
 * types and the entities they define, elements that do not close, attributes that come twice.
 *
 * @module
 */

/** An element. */
export interface XmlElement {
  /** Without a prefix. */
  readonly name: string;
  /** `""` if it is in none. */
  readonly namespace: string;
  readonly children: readonly XmlElement[];
  /** The text directly in it, without that of its children. */
  readonly text: string;
}

type Namespaces = Readonly<Record<string, string>>;

interface OpenElement extends XmlElement {
  /** With its prefix, as its end has to be written. */
  readonly tag: string;
  readonly namespaces: Namespaces;
  readonly children: XmlElement[];
  text: string;
}

const NAME = "[A-Za-z_\\u0080-\\uffff][\\w.\\-\\u0080-\\uffff]*";
const QUALIFIED = `${NAME}(?::${NAME})?`;
/** One token: a declaration or instruction, a comment, CDATA, an end, a start, or text. */
const TOKEN = new RegExp(
  `<\\?[^]*?\\?>|<!--(?:(?!--)[^])*-->|<!\\[CDATA\\[([^]*?)\\]\\]>|</(${QUALIFIED})\\s*>|` +
    `<(${QUALIFIED})((?:\\s+${QUALIFIED}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>|([^<]+)`,
  "y",
);
const ATTRIBUTE = new RegExp(`(${QUALIFIED})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "g");
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};
/** How deep elements can be in each other. */
const DEEPEST = 32;

/** Reads a document; `null` if it is not well-formed, or has a document type. */
export function parseXml(document: string): XmlElement | null {
  const text = document.replace(/^\ufeff/, "");
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text);
    if (!token) return null;
    const [all, data, end, start, attributes, closed, characters] = token;
    const parent = open[open.length - 1];
    if (start !== undefined) {
      const element = openElement(start, attributes, parent?.namespaces ?? {});
      if (!element || (!parent && root) || open.length === DEEPEST) return null;
      if (parent) parent.children.push(element);
      else root = element;
      if (closed === "") open.push(element);
    } else if (end !== undefined) {
      if (open.pop()?.tag !== end) return null;
    } else if (data !== undefined || characters !== undefined) {
      const added = data ?? unescaped(characters);
      if (added === null || (!parent && (data !== undefined || added.trim() !== ""))) return null;
      if (parent) parent.text += added;
    } else if (/^<\?xml\s/.test(all) && token.index > 0) {
      return null;
    }
  }
  return open.length === 0 ? root : null;
}

/** The text of the only child of that name, without spaces around it; `null` if there is none or more than one. */
export function childText({ children }: XmlElement, name: string): string | null {
  const found = children.filter((child) => child.name === name);
  return found.length === 1 && found[0].children.length === 0 ? found[0].text.trim() : null;
}

function openElement(tag: string, list: string, inherited: Namespaces): OpenElement | null {
  const seen = new Set<string>();
  const namespaces: Record<string, string> = { ...inherited };
  for (const [, name, double, single] of list.matchAll(ATTRIBUTE)) {
    const value = unescaped(double ?? single);
    if (value === null || seen.has(name)) return null;
    seen.add(name);
    if (name === "xmlns") namespaces[""] = value;
    else if (name.startsWith("xmlns:")) namespaces[name.slice(6)] = value;
  }
  const colon = tag.indexOf(":");
  const prefix = colon < 0 ? "" : tag.slice(0, colon);
  if (prefix !== "" && !Object.hasOwn(namespaces, prefix)) return null;
  const namespace = Object.hasOwn(namespaces, prefix) ? namespaces[prefix] : "";
  return { tag, name: tag.slice(colon + 1), namespace, namespaces, children: [], text: "" };
}

/** Text with its references replaced; `null` if one of them stands for nothing. */
function unescaped(text: string): string | null {
  let valid = true;
  const result = text.replace(/&([^;&]{0,10};?)/g, (_, reference: string) => {
    const character = characterOf(reference);
    if (character === null) valid = false;
    return character ?? "";
  });
  return valid ? result : null;
}

function characterOf(reference: string): string | null {
  const match = /^(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));$/i.exec(reference);
  if (!match) return null;
  if (match[3] !== undefined) {
    return Object.hasOwn(ENTITIES, match[3]) ? ENTITIES[match[3]] : null;
  }
  const code = match[1] === undefined ? Number(match[2]) : parseInt(match[1], 16);
  const allowed = code === 9 || code === 10 || code === 13 || (code >= 32 && code < 0xd800) ||
    (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff);
  return allowed ? String.fromCodePoint(code) : null;
}
