"""One upload in parts of 5 MiB by a client of somebody else, in Python: says "done", or what is wrong.

Usage: upload.py CLIENT ORIGIN BUCKET NAME FILE
"""

import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

CLIENT, ORIGIN, BUCKET, NAME, FILE = sys.argv[1:]
PART = 5 << 20


def google():
    client = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": ORIGIN},
    )
    blob = client.bucket(BUCKET).blob(NAME)
    blob.metadata = {"by": "me"}
    transfer_manager.upload_chunks_concurrently(
        FILE,
        blob,
        content_type="image/png",
        chunk_size=PART,
        worker_type=transfer_manager.THREAD,
        max_workers=3,
    )


def boto():
    client = boto3.client(
        "s3",
        endpoint_url=ORIGIN,
        region_name="auto",
        aws_access_key_id="GOOG1EXAMPLE",
        aws_secret_access_key="a secret",
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.upload_file(
        FILE,
        BUCKET,
        NAME,
        Config=TransferConfig(multipart_threshold=PART, multipart_chunksize=PART),
        ExtraArgs={"ContentType": "image/png", "Metadata": {"by": "me"}},
    )
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


try:
    {"google": google, "boto3": boto}[CLIENT]()
    print("done")
except Exception as error:
    print(f"{type(error).__name__}: {error}")
