"""What runs backtests to judge one: whether it is worth anything, and saw no future."""
