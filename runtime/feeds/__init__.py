"""Inputs to run a model with: made so that they are valid, or read from a file."""
