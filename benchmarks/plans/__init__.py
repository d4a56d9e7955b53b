"""What it costs to turn proposals into plans."""
