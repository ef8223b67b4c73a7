"""onnxruntime: sessions, its profile and its arena, and the graph that it executes."""
