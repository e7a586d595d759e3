// Starts Chromium, the one that is installed or the one from npm.

import { inflate } from "@sparticuz/chromium";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

/** No sandbox: containers have none to offer, and the only page opened is our own. */
const FLAGS = [
  "--no-sandbox",
  "--no-zygote",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  "--no-first-run",
];

/** Where people have a browser already, by operating system. */
const INSTALLED: Record<string, string[]> = {
  linux: [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/opt/google/chrome/chrome",
  ],
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  windows: [
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
  ],
};

interface Candidate {
  path: string;
  env?: Record<string, string>;
}

/**
 * Starts a headless Chromium: the one that `CHROME_PATH` names, the one from npm (Linux on x64 only),
 * or one that is installed. The first that starts is taken.
 */
export async function launchChromium(): Promise<Browser> {
  const problems: string[] = [];
  for await (const { path, env } of candidates(problems)) {
    try {
      return await chromium.launch({
        executablePath: path,
        args: FLAGS,
        env: { ...Deno.env.toObject(), ...env },
        timeout: 120_000,
      });
    } catch (error) {
      problems.push(`${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(
    `no Chromium could be started; set CHROME_PATH to one.\n${problems.join("\n")}`,
  );
}

async function* candidates(problems: string[]): AsyncGenerator<Candidate> {
  const chosen = Deno.env.get("CHROME_PATH");
  if (chosen) return yield { path: chosen };
  if (Deno.build.os === "linux" && Deno.build.arch === "x86_64") {
    try {
      yield await unpackChromium();
    } catch (error) {
      problems.push(`@sparticuz/chromium: ${error}`);
    }
  }
  for (const path of INSTALLED[Deno.build.os] ?? []) {
    if (await exists(path)) yield { path };
  }
}

/**
 * Unpacks the Chromium that `@sparticuz/chromium` ships, with the shared libraries that a server
 * usually lacks (NSS, NSPR, expat). Done once for a version; a half-unpacked one is never seen.
 */
async function unpackChromium(): Promise<Candidate> {
  const packed = new URL("../bin/", import.meta.resolve("@sparticuz/chromium"));
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../package.json", packed)));
  const cache = new URL("../../../.tmp/", import.meta.url);
  const home = new URL(`chromium-${version}-fonts/`, cache); // another name for another content
  if (!await exists(home)) {
    await Deno.mkdir(cache, { recursive: true });
    const draft = await Deno.makeTempDir({ dir: fileURLToPath(cache), prefix: "chromium-" });
    const tmpdir = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", draft); // where `inflate` writes to
    for (const name of ["chromium.br", "fonts.tar.br", "al2023.tar.br"]) {
      await inflate(fileURLToPath(new URL(name, packed)));
    }
    if (tmpdir === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", tmpdir);
    await Deno.writeTextFile(
      `${draft}/fonts.conf`,
      fontconfig(fileURLToPath(new URL("fonts/fonts/", home))),
    );
    await Deno.rename(draft, home).catch(async (error) => {
      await Deno.remove(draft, { recursive: true });
      if (!await exists(home)) throw error;
    });
  }
  return {
    path: fileURLToPath(new URL("chromium", home)),
    env: {
      FONTCONFIG_FILE: fileURLToPath(new URL("fonts.conf", home)),
      LD_LIBRARY_PATH: fileURLToPath(new URL("al2023/lib", home)),
    },
  };
}

/**
 * Tells fontconfig where fonts are: those unpacked, whose own configuration names folders of another machine, and those of
 * the system. Without any font Chromium ends in the middle of drawing a page.
 */
function fontconfig(folder: string): string {
  const prefer = (family: string) =>
    `  <alias binding="strong"><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}</dir>
${["system-ui", "sans-serif", "sans"].map(prefer).join("\n")}
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
</fontconfig>
`;
}

async function exists(path: string | URL): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
