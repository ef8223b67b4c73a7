"""onnxruntime: sessions, valid inputs, fair timing, profiles attributed to the user's own nodes."""
