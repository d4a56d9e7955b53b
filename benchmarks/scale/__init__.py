"""How time and memory of a whole search grow with the number of territories."""
