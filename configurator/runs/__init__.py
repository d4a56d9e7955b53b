"""A run and its folder: what was asked, what happened, where it lies."""
