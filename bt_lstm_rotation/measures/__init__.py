"""How an account did, and whether forecasts came true: arrays in, numbers out."""
