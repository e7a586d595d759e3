// The suite in Bun, from its source.
import process from "node:process";
import { run } from "../suite.ts";

const [context] = process.argv.slice(2);
const report = await run(JSON.parse(context));
console.log("report", JSON.stringify({ ...report, version: process.versions.bun }));
