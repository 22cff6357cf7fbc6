"""What surrounds the outer loop: device, run folder, interruption, progress."""
