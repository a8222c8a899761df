"""A typed client of the REST API, in two kinds: one that waits, one for asyncio.

Importing it raises FaceChainError where httpx is missing.
"""

from importlib.util import find_spec

from facechain_ext.base.errors import FaceChainError

if find_spec("httpx") is None:
    raise FaceChainError('The client needs httpx: pip install "facechain-ext[client]".')

from facechain_ext.client.async_client import AsyncClient
from facechain_ext.client.client import Client
from facechain_ext.client.job_calls import JobOptions

__all__ = ["AsyncClient", "Client", "JobOptions"]
