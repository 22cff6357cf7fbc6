"""Generative adversarial imitation learning whose discriminator any optimizer may update."""
