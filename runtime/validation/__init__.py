"""What was predicted against what was measured, node by node."""
