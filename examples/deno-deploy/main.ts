import worker from "@resumable-media/upload/worker";

Deno.serve((request) => worker.fetch(request));
