"""Device files, one TOML each."""
