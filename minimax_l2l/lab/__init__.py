"""The lab: presets that anyone can run again, one way to play many runs, one kind of result file, one report."""
