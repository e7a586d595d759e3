import worker from "@resumable-media/upload/worker";

// On a machine of your own, for the server in front of it that speaks TLS; Deno Deploy listens where it has to.
const { DENO_DEPLOYMENT_ID, HOST = "127.0.0.1", PORT = "8000" } = Deno.env.toObject();
const place = DENO_DEPLOYMENT_ID === undefined ? { hostname: HOST, port: Number(PORT) } : {};
Deno.serve(place, (request) => worker.fetch(request));
