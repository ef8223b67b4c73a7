"""What padding channels needs to know: which of them grow together, and how a node takes it.

``layout`` says what a tensor's channels consist of, ``flow`` follows them through a graph with
the rules in ``linear``, ``elementwise`` and ``spatial``, ``grow`` rewrites what grows.
"""
