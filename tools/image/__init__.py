"""Making archives: boot images, root file systems, and what a run adds to them."""
