"""What a trained network does with its bars: gates, gradients, memory. Plain NumPy."""
