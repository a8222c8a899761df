"""What Schemathesis has to be told of the API beyond its document."""

from __future__ import annotations

from typing import Any

import schemathesis


def as_it_is(_: schemathesis.SerializationContext, value: Any) -> Any:
    """Send a body of bytes as it is."""
    return getattr(value, "data", value)


schemathesis.serializer("application/zip")(as_it_is)
