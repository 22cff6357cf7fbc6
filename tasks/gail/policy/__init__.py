"""The policy's side of imitation: an algorithm of Stable-Baselines3, paid by the discriminator."""
