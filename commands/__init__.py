"""The commands, a module each: parse, call the library, render, exit code. No logic."""
