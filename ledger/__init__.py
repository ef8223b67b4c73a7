"""What each rewrite changed: to the byte and the FLOP."""
