"""The compiled engine's rules, each module on top of the last: world, calendar, lines, hazards, passages, clockwork."""
