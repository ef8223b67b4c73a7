"""What a runtime does by itself when it opens a model, and what each of it brings."""
