"""torch's signatures of shape, indexing and product ops, where they differ from the C functions'."""

FUNCTIONS_ONLY = set()
METHODS_ONLY = set()
ALIASES = {}
