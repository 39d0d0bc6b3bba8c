"""torch's signatures of reductions, scans, sorting, searching and random numbers, where they differ from the C functions'."""

FUNCTIONS_ONLY = set()
METHODS_ONLY = set()
ALIASES = {}
