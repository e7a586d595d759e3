// The emulator's reader of XML: what it takes, and that everything doubtful is refused.

import { assertEquals } from "@std/assert";
import { childText, parseXml, type XmlElement } from "../../src/emulator/xml/parse.ts";

/** An element on one line: name, text in quotes, children in brackets. */
function shown(element: XmlElement | null): string {
  if (!element) return "refused";
  const { name, namespace, text, children } = element;
  const inner = children.length > 0 ? `[${children.map(shown).join(" ")}]` : "";
  return `${namespace === "" ? "" : `{${namespace}}`}${name}${
    text === "" ? "" : JSON.stringify(text)
  }${inner}`;
}

Deno.test("elements, text, references, CDATA, comments and declarations are read", () => {
  const cases: [document: string, read: string][] = [
    ["<a/>", "a"],
    ["<a></a >", "a"],
    ["<a>1</a>\n", 'a"1"'],
    ['\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<a><b>1</b><c/></a>', 'a[b"1" c]'],
    ["<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>", 'a"<>&\\"\'AB"'],
    ["<a><![CDATA[<&>]]]></a>", 'a"<&>]"'],
    ["<a>1<!-- <b> -->2<?p i?>3</a>", 'a"123"'],
    ["<a b='1' c = \"2\"/>", "a"],
    ["<a xmlns='n'><b/><c xmlns=''/></a>", "{n}a[{n}b c]"],
    ["<p:a xmlns:p='n'><b/><p:c/></p:a>", "{n}a[b {n}c]"],
    ["<ä-1.x>ü</ä-1.x>", 'ä-1.x"ü"'],
    ["<constructor><b xmlns:p='n'/></constructor>", "constructor[b]"],
  ];
  for (const [document, read] of cases) assertEquals(shown(parseXml(document)), read, document);
});

Deno.test("what is not well-formed, and document types, are refused", () => {
  const documents = [
    "",
    " ",
    "text",
    "<a>",
    "</a>",
    "<a></b>",
    "<a><b></a></b>",
    "<a/><b/>",
    "<a/>text",
    "text<a/>",
    "<a/><![CDATA[x]]>",
    " <?xml version='1.0'?><a/>",
    "<!DOCTYPE a><a/>",
    "<a>&unknown;</a>",
    "<a>&constructor;</a>",
    "<a>& b</a>",
    "<a>&amp</a>",
    "<a>&#0;</a>",
    "<a>&#xd800;</a>",
    "<a>&#x110000;</a>",
    "<a b='1' b='2'/>",
    "<a b=1/>",
    "<a b='<'/>",
    "<a b='&x;'/>",
    "<a b/>",
    "<1a/>",
    "<p:a/>",
    "<constructor:a/>",
    "<a><!-- -- --></a>",
    "<a><![CDATA[</a>",
    "< a/>",
    "<a".repeat(3),
    "<a>".repeat(100) + "</a>".repeat(100),
  ];
  for (const document of documents) assertEquals(shown(parseXml(document)), "refused", document);
});

Deno.test("hostile documents take no time: unclosed comments, attributes, spaces", () => {
  for (const piece of ["<!--", " a='", "<a ", "&", "&#", "   ", "<a>", "<![CDATA["]) {
    assertEquals(parseXml(`<a${piece.repeat(200_000 / piece.length)}`), null);
    parseXml(`<a>${piece.repeat(200_000 / piece.length)}</a>`);
  }
});

Deno.test("childText is the text of the only such child", () => {
  const element = parseXml("<a><b> 1 </b><c>2</c><c>3</c><d><e/></d></a>")!;
  assertEquals(["b", "c", "d", "e"].map((name) => childText(element, name)), [
    "1",
    null,
    null,
    null,
  ]);
});
