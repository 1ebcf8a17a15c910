"""The leakage auditor: what a build must not let through."""
