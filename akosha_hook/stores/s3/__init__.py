"""The cloud destination: any S3, through minio-py's calls behind one adapter class."""
