"""Live readiness: what no source settles about the service is asked of the service itself, and compared."""
