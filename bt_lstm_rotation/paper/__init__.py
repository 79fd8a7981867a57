"""Paper trading: the same strategy, day after day, on an account that survives."""
