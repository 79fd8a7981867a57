"""Whether results are to be believed; it stands above the backtest and runs it."""
