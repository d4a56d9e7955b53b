"""The search against what is known of the truth."""
