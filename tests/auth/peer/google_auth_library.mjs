// What google-auth-library sends for tokens, in Node: `node google_auth_library.mjs '{"credentials": …}'` prints its requests.

import process from "node:process";
import { DownscopedClient, gaxios, GoogleAuth } from "google-auth-library";

const { credentials, scopes, subject, boundary, answers } = JSON.parse(process.argv[2]);
const requests = [];

// Every request of the library goes through here, whoever sends it.
gaxios.Gaxios.prototype.request = (options) => {
  const url = String(options.url);
  const headers = new Headers(options.headers);
  const { data = null } = options;
  const body = data instanceof URLSearchParams ? Object.fromEntries(data) : data;
  const authorization = headers.get("authorization");
  requests.push({ url, method: options.method ?? "GET", authorization, body });
  const answer = answers[new URL(url).host];
  if (!answer) throw new Error(`Expected a request to ${Object.keys(answers)}, got one to ${url}`);
  return Promise.resolve({ data: answer, status: 200, headers: new Headers(), config: options });
};

const auth = new GoogleAuth();
const client = auth.fromJSON(credentials);
client.scopes = scopes;
if (subject) client.subject = subject;
if (credentials.type === "impersonated_service_account") client.targetScopes = scopes;
const authClient = boundary
  ? new DownscopedClient({ authClient: client, credentialAccessBoundary: boundary })
  : client;
const { token } = await authClient.getAccessToken();
console.log(JSON.stringify({ token, requests }));
process.exit(0);
