"""Fair timing on a machine that does other things too."""
