"""What would be better: encoding, feasibility, search, replication allocation."""
