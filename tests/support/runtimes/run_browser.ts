// A bundle in Chromium, in a page of another origin than the server it talks to: calls its `run`, and prints the report.
import { launchChromium } from "./chromium.ts";

const PAGE = `<!doctype html><meta charset="utf-8"><title>portable suite</title>`;

const [context, bundle] = Deno.args;
const script = await Deno.readTextFile(bundle);
const site = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  ({ url }) =>
    new URL(url).pathname === "/suite.js"
      ? new Response(script, { headers: { "content-type": "text/javascript" } })
      : new Response(PAGE, { headers: { "content-type": "text/html" } }),
);

const browser = await launchChromium();
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${site.addr.port}/`);
  const report = await page.evaluate(
    `import("/suite.js").then(({ run }) => run(${context}))`,
  ) as object;
  console.log("report", JSON.stringify({ ...report, version: browser.version() }));
} finally {
  await browser.close();
  await site.shutdown();
}
