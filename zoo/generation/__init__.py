"""Making text and pictures with a trained model."""
