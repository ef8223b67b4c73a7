"""Which nodes of one graph a node of another stands for, found by structure and by names.

``attribution`` answers it; the other files are what it is made of. No runtime is needed.
"""
