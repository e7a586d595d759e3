/// <reference lib="dom" />
/** All requests and replies, as they happen. */

import { bytes } from "../page/format.ts";
import type { Exchange, Leg } from "./exchange.ts";
import { partsOf, shortened } from "./tokens.ts";
import { purposeOf, resultOf } from "./describe.ts";

/** The list of requests. */
export interface Timeline {
  /** Shows an exchange, or what has changed about it. */
  show(exchange: Exchange): void;
  clear(): void;
}

const LEGS: Readonly<Record<Leg, string>> = {
  "page to proxy": "Page → proxy",
  "page to Google": "Page → Google",
  "page to backend": "Page → backend",
  "proxy to Google": "Proxy → Google",
};

/** The most requests that are shown. */
const MOST = 500;

/** A row of the list. */
interface Row {
  readonly element: HTMLElement;
  exchange: Exchange;
  /** The reply is added to the details when it is there. */
  detailed: "no" | "request" | "all";
}

/** Makes the list work. It stays at its end, unless somebody has scrolled up. */
export function createTimeline(list: HTMLElement, template: HTMLTemplateElement): Timeline {
  const rows = new Map<number, Row>();
  const changed = new Set<Row>();

  const box = list.parentElement!;
  let follows = true;
  box.addEventListener("scroll", () => {
    follows = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  });

  const render = () => {
    for (const row of changed) renderRow(row);
    changed.clear();
    for (const [id, { element }] of rows) {
      if (rows.size <= MOST) break;
      element.remove();
      rows.delete(id);
    }
    if (follows) box.scrollTop = box.scrollHeight;
  };
  const add = (exchange: Exchange): Row => {
    const element = (template.content.cloneNode(true) as DocumentFragment)
      .firstElementChild as HTMLElement;
    const row: Row = { element, exchange, detailed: "no" };
    element.querySelector("details")!.addEventListener("toggle", () => renderRow(row));
    list.append(element);
    rows.set(exchange.id, row);
    return row;
  };

  return {
    show(exchange) {
      const row = rows.get(exchange.id) ?? add(exchange);
      row.exchange = exchange;
      if (changed.size === 0) requestAnimationFrame(render);
      changed.add(row);
    },
    clear() {
      rows.clear();
      changed.clear();
      list.replaceChildren();
    },
  };
}

function renderRow(row: Row): void {
  const { element, exchange } = row;
  const { leg, method, sent, started, ended } = exchange;
  const write = (name: string, text: string) => {
    const part = element.querySelector(`[data-${name}]`)!;
    if (part.textContent !== text) part.textContent = text;
  };
  element.dataset.leg = leg;
  element.dataset.state = stateOf(exchange);
  write("leg", LEGS[leg]);
  write("method", method);
  write("purpose", purposeOf(exchange));
  write("result", resultOf(exchange));
  write("sent", sent > 0 ? bytes(sent) : "");
  write("time", ended === undefined ? "" : `${Math.max(0, ended - started)} ms`);
  renderDetails(row);
}

/** Whether that is what the sender wanted to hear. */
function stateOf({ method, reply, broken }: Exchange): "bad" | "good" | "open" {
  if (broken) return "bad";
  if (!reply) return "open";
  const isCancelled = method === "DELETE" && reply.status === 499; // Google's word for it
  return reply.status >= 400 && !isCancelled ? "bad" : "good";
}

/** What was said in full, when somebody looks. */
function renderDetails(row: Row): void {
  const { element, exchange: { method, url, headers, body, reply } } = row;
  if (!element.querySelector("details")!.open || row.detailed === "all") return;
  const part = element.querySelector("[data-full]")!;
  if (row.detailed === "no") part.append(message(`${method} ${url}`, headers, body));
  row.detailed = "request";
  if (!reply) return;
  part.append(message(`${reply.status}`, reply.headers, reply.body));
  row.detailed = "all";
}

function message(
  first: string,
  headers: readonly (readonly [string, string])[],
  body: string,
): HTMLElement {
  const element = document.createElement("pre");
  element.tabIndex = 0; // it scrolls sideways
  element.role = "group";
  element.ariaLabel = first.split(" ")[0];
  const lines = [first, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (body) lines.push("", body);
  for (const { text, secret } of partsOf(lines.join("\n"))) {
    if (secret) element.append(chip(text, secret));
    else element.append(text);
  }
  return element;
}

function chip(text: string, secret: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "token";
  const kind = document.createElement("b");
  kind.textContent = secret;
  element.append(kind, ` ${shortened(text)}`);
  return element;
}
