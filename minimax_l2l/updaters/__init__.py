"""Networks that propose updates: convolutional, recurrent, coordinate-wise, by rows, low-rank and dense."""
