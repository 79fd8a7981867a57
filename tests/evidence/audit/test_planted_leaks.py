"""Each planted leak is caught and named: which line or order, where, how far ahead."""

from __future__ import annotations


import numpy as np
import pandas as pd
import planted_leaks as leaks
import pytest
from fakes import without

from bt_lstm_rotation.evidence.audit import audit
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
