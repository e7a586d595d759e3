# Uploads with tuspy: `python upload.py ENDPOINT TICKET FILE CHUNK` prints what came of it.

import sys

from tusclient.client import TusClient

endpoint, ticket, path, chunk = sys.argv[1:]

# docs/clients.md shows what is between these two lines.
client = TusClient(endpoint, headers={"Authorization": f"Bearer {ticket}"})
uploader = client.uploader(
    path,
    chunk_size=int(chunk),  # a multiple of 262144
    metadata={"filename": "a photo.png", "filetype": "image/png"},
    retries=5,
    retry_delay=1,  # in seconds
)
uploader.upload()
# docs/clients.md shows what is between these two lines.
print("success")
