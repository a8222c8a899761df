"""The REST API, under /facechain/v1."""
