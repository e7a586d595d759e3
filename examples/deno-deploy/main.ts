import worker from "@resumable-media/upload/worker";

// For the server in front of it that speaks TLS. Deno Deploy listens where it likes.
Deno.serve({ hostname: "127.0.0.1" }, (request) => worker.fetch(request));
