"""The paths of `/v1`, one module a noun."""
