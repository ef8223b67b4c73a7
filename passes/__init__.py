"""Graph rewrites, one file a pass. None is here yet: ``optimize`` runs onnxsim alone so far."""
