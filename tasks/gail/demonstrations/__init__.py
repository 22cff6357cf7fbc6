"""What an expert showed: trajectories, recorded, read and stored."""
