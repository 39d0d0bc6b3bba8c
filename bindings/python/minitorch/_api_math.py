"""torch's signatures of elementwise ops and special functions, where they differ from the C functions'."""

FUNCTIONS_ONLY = set()
METHODS_ONLY = set()
ALIASES = {}
