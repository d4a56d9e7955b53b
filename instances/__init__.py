"""What a territory is: the data model, its tables, reading, checking; ships the instance folders."""
