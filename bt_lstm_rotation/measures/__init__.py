"""What an account earned, and whether forecasts came true: arrays in, numbers out."""
