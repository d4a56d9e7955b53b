"""What happens to the patients under one configuration: the twin, its engines, accounts, indicators."""
