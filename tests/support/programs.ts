// Programs of other people, installed once, under the ignored folder .tmp.

import { ROOT } from "./runtimes.ts";

/** Where they are kept. */
export const HOME: string = `${ROOT}.tmp/interop`;

/** What came of it: where it is, or why it is not there. */
export type Installed = { readonly path: string } | { readonly reason: string };

/** Runs a program to its end; what it wrote, or an error that says why it did not work. One that takes `seconds`, 300, is ended. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string | URL; env?: Record<string, string>; seconds?: number } = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env && { env: options.env }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout((options.seconds ?? 300) * 1000),
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success) return out;
  throw new Error((err || out).trim().split("\n").slice(-5).join("\n"));
}

/** Whether a program can be started, by asking for its version. */
export function has(program: string, version = "--version"): boolean {
  try {
    return new Deno.Command(program, { args: [version], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** A Python with Google's libraries, in the versions that the documents name. */
export function python(): Promise<Installed> {
  const imports = "google.cloud.storage, google.resumable_media, requests";
  const packages = ["google-cloud-storage==3.17.1", "google-resumable-media==2.11.0"];
  return pythonWith("python", imports, ...packages, "requests==2.34.2");
}

/** A Python in a folder of its own, in which the modules can be imported. */
export async function pythonWith(
  name: string,
  imports: string,
  ...packages: string[]
): Promise<Installed> {
  const folder = `${HOME}/${name}`;
  const path = `${folder}/bin/python`;
  try {
    await runProgram(path, ["-c", `import ${imports}`]);
    return { path };
  } catch {
    // not there yet
  }
  try {
    await runProgram("python3", ["-m", "venv", "--clear", folder]);
    await runProgram(path, ["-m", "pip", "install", "--quiet", ...packages]);
    await runProgram(path, ["-c", `import ${imports}`]);
    return { path };
  } catch (error) {
    return { reason: `python3 with ${packages.join(" and ")}: ${error}` };
  }
}

/** A program on the PATH, or out of Debian's package of that name, which is unpacked but not installed. */
export async function debianProgram(name: string): Promise<Installed> {
  if (has(name)) return { path: name };
  const folder = `${HOME}/debian`;
  const path = `${folder}/usr/bin/${name}`;
  if (has(path)) return { path };
  try {
    await Deno.mkdir(folder, { recursive: true });
    await runProgram("apt-get", ["download", name], { cwd: folder });
    for await (const { name: file } of Deno.readDir(folder)) {
      if (file.startsWith(`${name}_`) && file.endsWith(".deb")) {
        await runProgram("dpkg", ["-x", file, "."], { cwd: folder });
      }
    }
    if (has(path)) return { path };
    return { reason: `${name}: it does not start` };
  } catch (error) {
    return { reason: `${name}: ${error}` };
  }
}

/** A library from Maven Central, as its archive. */
export async function javaArchive(
  group: string,
  name: string,
  version: string,
): Promise<Installed> {
  const folder = `${HOME}/java`;
  const path = `${folder}/${name}-${version}.jar`;
  try {
    await runProgram("java", ["-version"]);
    if (await Deno.stat(path).then(() => true, () => false)) return { path };
    const artifact = `${group}:${name}:${version}`;
    await runProgram("mvn", ["--quiet", "dependency:get", `-Dartifact=${artifact}`]);
    const copy = [`-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`];
    await runProgram("mvn", ["--quiet", "dependency:copy", ...copy]);
    await Deno.stat(path);
    return { path };
  } catch (error) {
    return { reason: `java and mvn with ${group}:${name}: ${error}` };
  }
}

/** A program written in Go. */
export async function goProgram(name: string, module: string): Promise<Installed> {
  const folder = `${ROOT}.tmp/bin`;
  const path = `${folder}/${name}`;
  try {
    if (await Deno.stat(path).then(() => true, () => false)) return { path };
    await Deno.mkdir(folder, { recursive: true });
    await runProgram("go", ["install", module], { env: { GOBIN: folder } });
    return { path };
  } catch (error) {
    return { reason: `go install ${module}: ${error}` };
  }
}
