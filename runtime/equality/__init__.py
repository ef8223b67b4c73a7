"""Do two models compute the same? Their outputs on the same inputs, but for rounding."""
