"""Paper trading: day after day, on a simulated account."""
