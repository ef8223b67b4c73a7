"""What a runtime would make of a graph that fuses all that may be fused: for unknown runtimes."""
