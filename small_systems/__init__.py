"""Three smaller systems: naive diffusion, bare-bones diffusion, and images as points in pixel space."""
