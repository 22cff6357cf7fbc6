"""What this project measured: the demo, the digits table and how its settings were chosen."""
