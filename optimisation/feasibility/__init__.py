"""Which configurations keep every rule, and the nearest one that does."""
