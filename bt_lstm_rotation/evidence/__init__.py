"""Is it real? Performance of an account, and skill of the forecasts behind it.

`performance` and `skill` are pure: arrays and series in, numbers out.
"""
