"""What a generic runtime for phones makes of a graph."""
