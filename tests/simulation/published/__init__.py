"""Shipped instances that are published models, against what was published of them."""
