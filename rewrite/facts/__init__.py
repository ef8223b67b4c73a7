"""What is known of operators, as far as rewrites ask: a file a question."""
