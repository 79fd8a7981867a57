"""What chance could have made: tests, intervals and corrections for many tries."""
