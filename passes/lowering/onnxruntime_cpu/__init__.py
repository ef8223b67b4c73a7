"""What onnxruntime's CPU provider makes of a graph."""
