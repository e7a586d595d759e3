/** Bar charts as SVG, in the colours of the page they are shown on. */

import { mbps, sizeName } from "./table.ts";
import { CLIENT_RUNTIMES, NAMES } from "./programs.ts";
import { type Peer, PEER_NAMES } from "../upload/clients.ts";
import type { UploadResult } from "../upload.ts";

/** One bar. */
interface Bar {
  readonly label: string;
  readonly value: number;
  /** What is written behind the bar. */
  readonly text: string;
  /** Whether it is ours. */
  readonly isOurs: boolean;
}

const WIDTH = 760, LEFT = 290, RIGHT = 90, ROW = 22, GAP = 14, TOP = 46;

/** The charts of the document: their names, and what they are. */
export function charts(benches: Readonly<Record<string, unknown>>): [name: string, svg: string][] {
  const upload = benches.upload as UploadResult | undefined;
  return upload ? [["performance", uploadChart(upload)]] : [];
}

function uploadChart({ size, runtimes, peers }: UploadResult): string {
  const bar = (label: string, value: number, isOurs: boolean): Bar => ({
    label,
    value,
    text: mbps(value),
    isOurs,
  });
  const others = Object.entries(PEER_NAMES).flatMap(([peer, name]) => {
    const figures = peers[peer as Peer];
    return figures ? [bar(name.replaceAll("`", ""), figures.speed, false)] : [];
  });
  const groups = CLIENT_RUNTIMES.map((name) => [
    bar(`${NAMES[name]}: ours`, runtimes[name].ours.speed, true),
    bar(`${NAMES[name]}: one bare PUT`, runtimes[name].bare.speed, false),
  ]);
  const title = `Uploading a file of ${sizeName(size)} to a server on the same machine, MB/s`;
  return barChart(title, [...groups, others]);
}

/** A chart of groups of horizontal bars. */
function barChart(title: string, groups: readonly (readonly Bar[])[]): string {
  const max = Math.max(...groups.flat().map(({ value }) => value));
  const rows: string[] = [];
  let y = TOP;
  for (const group of groups) {
    for (const { label, value, text, isOurs } of group) {
      const width = Math.max(1, Math.round(value / max * (WIDTH - LEFT - RIGHT)));
      rows.push(
        `<text x="${LEFT - 8}" y="${y + 15}" text-anchor="end">${label}</text>`,
        `<rect x="${LEFT}" y="${y + 3}" width="${width}" height="${ROW - 6}" class="${
          isOurs ? "ours" : "other"
        }"/>`,
        `<text x="${LEFT + width + 6}" y="${y + 15}">${text}</text>`,
      );
      y += ROW;
    }
    y += GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${title}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.ours { fill: #1a73e8 }
.other { fill: #9aa0a6 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #8ab4f8 } .other { fill: #6e7681 } }
</style>
<text x="10" y="26" class="title">${title}</text>
${rows.join("\n")}
</svg>
`;
}
