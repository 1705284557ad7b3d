"""The main job on a throwaway home and a real S3 server on loopback."""
