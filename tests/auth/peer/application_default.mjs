// What google-auth-library finds in its environment, in Node: `node application_default.mjs '{"answers": …}'` prints the token, the
// project that requests are charged to, and the requests for tokens.

import process from "node:process";
import { gaxios, GoogleAuth } from "google-auth-library";

const { scopes, answers } = JSON.parse(process.argv[2]);
const requests = [];

// Every request of the library goes through here, whoever sends it.
gaxios.Gaxios.prototype.request = (options) => {
  const url = new URL(String(options.url), options.baseURL);
  const { data = null } = options;
  const body = data instanceof URLSearchParams ? Object.fromEntries(data) : data;
  const authorization = new Headers(options.headers).get("authorization");
  const answer = answers[url.host];
  if (!answer) return Promise.reject(new Error(`expected no request to ${url.host}`));
  const isToken = !url.host.startsWith("metadata") || url.pathname.endsWith("/token");
  if (isToken) requests.push({ url: url.origin + url.pathname, authorization, body });
  const headers = new Headers({ "metadata-flavor": "Google" });
  return Promise.resolve({ data: answer, status: 200, headers, config: options });
};

try {
  const auth = new GoogleAuth({ projectId: "a-project", scopes });
  const client = await auth.getClient();
  const { token } = await client.getAccessToken();
  const charged = (await client.getRequestHeaders()).get("x-goog-user-project");
  console.log(JSON.stringify({ token, charged, requests }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
process.exit(0);
