"""Generative adversarial imitation: a policy and a discriminator whose optimizer may be learned."""
