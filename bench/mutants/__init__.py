"""Small wrong edits of models, models to put them into, and a judge of what they change."""
