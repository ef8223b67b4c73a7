"""One schema, one renderer a format.

Nothing is imported here: a command takes the one document or page that it shows.
"""
