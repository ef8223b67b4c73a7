"""What several passes share, and proofs that are too long for their files."""
